// Finds the PostgreSQL server, waits until it answers, and makes it ready for this version of the code.

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { type Connection, type ConnectionTarget, isConnectionLoss, openConnection } from './connection.ts'
import { DeadlineError } from './deadline.ts'
import { checkFingerprints } from './fingerprint.ts'
import { migrate } from './migrations.ts'
import type { StoreDependencies } from './store.ts'
import { StoreStartError } from './store-start-error.ts'

const waitMs = 30_000
const attemptLimitMs = 5_000
const attemptPauseMs = 500
const sayPeriodMs = 2_000
/** `server_version_num` of the oldest server we test with. */
const oldestVersion = 150_000

/** Migrates and checks; the server may come up while we wait for it. Throws StoreStartError or ConfigError. */
export async function prepareDatabase(
  target: ConnectionTarget,
  { config, clock, logger }: StoreDependencies,
): Promise<void> {
  const connection = await connectPatiently(target, clock, logger)
  try {
    await checkVersion(connection)
    await migrate(connection, logger)
    await checkFingerprints(connection, config)
  } finally {
    connection.destroy()
  }
}

export async function connectPatiently(
  target: ConnectionTarget,
  clock: Clock,
  logger: Logger,
): Promise<Connection> {
  const startedMs = performance.now()
  let saidMs = Number.NEGATIVE_INFINITY
  for (;;) {
    try {
      return await openConnection(target, clock, attemptLimitMs)
    } catch (error) {
      const nowMs = performance.now()
      if (!mayPass(error) || nowMs - startedMs > waitMs) throw new StoreStartError(explain(error), error)
      if (nowMs - saidMs >= sayPeriodMs) {
        logger.warn('waiting for the database', { component: 'database', error })
        saidMs = nowMs
      }
      await pause(attemptPauseMs)
    }
  }
}

/** A server that is not up yet, as against one that refuses us. */
function mayPass(error: unknown): boolean {
  return error instanceof DeadlineError || isConnectionLoss(error)
}

function explain(error: unknown): string {
  const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
  if (error instanceof pg.DatabaseError) {
    return `the database refuses us: ${reason}. Check user, password and database name in PG_DSN`
  }
  if (!mayPass(error)) return `the database cannot be used: ${reason}. Check PG_DSN`
  return `the database cannot be reached: ${reason || 'no answer'}. Check PG_DSN and that the server runs`
}

/** Throws StoreStartError for a server that is too old. */
export async function checkVersion(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ version: number; name: string }>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as name`,
    [],
    attemptLimitMs,
  )
  if ((rows[0]?.version ?? 0) >= oldestVersion) return
  throw new StoreStartError(
    `the database is PostgreSQL ${rows[0]?.name}, and 15 or newer is needed. Upgrade it, or point PG_DSN to a newer one`,
  )
}
