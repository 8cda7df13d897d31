// Scheduled and queued work, once across all replicas: a thin coat over pg-boss in its own schema.
import { randomUUID } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { DeadlineError, withDeadline } from './deadline.ts'
import { EngineAwayError } from './engine-away-error.ts'
import { queuedDaysMax, queueImportedJobs } from './imported-jobs.ts'
import type { Database, Jobs, Queryable } from './store.ts'

const schema = 'jobs'
/** Creating or upgrading the queue's own tables. */
const bringUpLimitMs = 30_000
/** A poll on a connection that went silent holds up its worker for as long. */
const statementLimitMs = 10_000
const startPauseMs = 1_000
const stopLimitMs = 5_000
/** Names of the errors that say so; of some only a copy is handed to us. */
const absences: ReadonlySet<string> = new Set([EngineAwayError.name, DeadlineError.name])

/**
 * Retries after 2–4, 4–8, 8–16 s and so on up to an hour; the 36th comes 26 hours after the first try or later.
 * A worker that was killed is noticed by its missing heartbeat.
 */
const queueOptions = {
  policy: 'exclusive',
  retryDelay: 2,
  retryBackoff: true,
  retryDelayMax: 3_600,
  retryLimit: 36,
  retentionSeconds: queuedDaysMax * 86_400,
  deleteAfterSeconds: 86_400,
  expireInSeconds: 900,
  heartbeatSeconds: 30,
} as const

export type OpenJobs = Jobs & {
  /** Starts in the background what was registered, as soon as the database is there. */
  start(): void
  close(): Promise<void>
}

export function createJobs(options: { database: Database; clock: Clock; logger: Logger }): OpenJobs {
  const { database, clock, logger } = options
  const registrations: ((boss: PgBoss) => Promise<void>)[] = []
  const queues = new Set<string>()
  const started = Promise.withResolvers<PgBoss>()
  let boss: PgBoss | null = null
  let starting: Promise<void> | null = null
  let closed = false
  let timer: Timer | null = null

  async function bringUp(): Promise<void> {
    let limitMs = bringUpLimitMs
    const fresh = new PgBoss({ schema, db: executorOn(database, () => limitMs) })
    fresh.on('error', (error) => report(error))
    fresh.on('warning', (warning) =>
      logger.warn('job queue warning', { component: 'jobs', detail: warning.message }),
    )
    boss = fresh
    try {
      await fresh.start()
      limitMs = statementLimitMs
      for (const register of registrations) await register(fresh)
      await takeImported(fresh)
      started.resolve(fresh)
    } catch (error) {
      report(error)
      await fresh.stop({ graceful: false, timeout: stopLimitMs }).catch(report)
      if (!closed) timer = clock.after(startPauseMs, begin)
    }
  }

  async function takeImported(ready: PgBoss): Promise<void> {
    const dropped = await queueImportedJobs({
      ...{ database, queues, since: new Date(clock.now() - queuedDaysMax * 86_400_000) },
      send: (tx, job) => send(ready, tx, job),
    })
    if (dropped === 0) return
    const told = { component: 'jobs', count: dropped }
    logger.warn('queued work of an imported archive was left out: it is too old or of no known kind', told)
  }

  function begin(): void {
    starting = bringUp()
  }

  /** While the database is away every poll fails; that it is away was said once already. */
  function report(reported: unknown): void {
    const error = toError(reported)
    const isAbsence = absences.has(error.name)
    const level = isAbsence ? 'debug' : 'error'
    logger[level]('the job queue had an error', { component: 'jobs', error })
  }

  function observe(name: string, work: () => Promise<void>): Promise<void> {
    return work().catch((error: unknown) => {
      logger.warn('a job failed and will be tried again', { component: 'jobs', detail: name, error })
      throw error
    })
  }

  return {
    async schedule(name, cron, work) {
      registrations.push(async (ready) => {
        await ready.createQueue(name, {
          policy: 'stately',
          retryLimit: 3,
          retryDelay: 30,
          retryBackoff: true,
        })
        await ready.schedule(name, cron, null, { tz: 'UTC' })
        await ready.work(name, { pollingIntervalSeconds: 5 }, () => observe(name, work))
      })
    },
    async queue<Data extends object>(name: string, work: (data: Data) => Promise<void>) {
      queues.add(name)
      registrations.push(async (ready) => {
        await ready.createQueue(name, queueOptions)
        await ready.work<Data>(
          name,
          { batchSize: 1, localConcurrency: 4, pollingIntervalSeconds: 1 },
          async ([job]) => {
            if (job) await observe(name, () => work(job.data))
          },
        )
      })
    },
    async enqueue(tx, queue, data, key = randomUUID()) {
      await send(await started.promise, tx, { queue, key, data })
    },
    start: begin,
    async close() {
      closed = true
      timer?.cancel()
      // Its own limit does not cover statements that a silent server leaves unanswered, nor does that of the start.
      const stop = async () => {
        await starting
        await boss?.stop({ graceful: true, timeout: stopLimitMs, close: false })
      }
      await withDeadline(clock, stopLimitMs, stop()).catch(report)
    },
  }
}

/** pg-boss hands on what a worker met as a plain copy, which has only the properties of the error. */
function toError(reported: unknown): Error {
  if (reported instanceof Error) return reported
  const { name = 'Error', message = String(reported) } = reported as Partial<Error>
  return Object.assign(new Error(message), { name })
}

function send(
  ready: PgBoss,
  tx: Queryable,
  { queue, key, data }: { queue: string; key: string; data: object },
): Promise<unknown> {
  return ready.send(queue, data, { singletonKey: key, db: executorOn(tx) })
}

/** What pg-boss asks of a connection. */
function executorOn(queryable: Database | Queryable, limitMs?: () => number) {
  return {
    executeSql: (sql: string, values?: unknown[]) =>
      (queryable as Database).query(sql, values ?? [], limitMs && { deadlineMs: limitMs() }),
  }
}
