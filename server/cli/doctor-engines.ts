// Doctor's look at what the gateway depends on: PostgreSQL, Redis and the downstream, each within a deadline.
import type { Config } from '../config/config.ts'
import { type Database, openDatabaseForCommand } from '../store/store.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { isInstalled } from './installation.ts'

const postgresMajorMin = 15
const clockSkewMsMax = 2000
const connectDeadlineMs = 3000

/** Connects as a start would; an embedded database that does not run is started for the moment. */
export async function checkDatabase(config: Config, now: () => number): Promise<Finding[]> {
  const kind = config.embedded ? 'embedded database' : 'database of PG_DSN'
  if (!isInstalled(config)) {
    return [warning(`there is no ${kind} yet`, 'The first start makes it.')]
  }
  try {
    const opened = await openDatabaseForCommand(config)
    try {
      return await checkServer(opened.database, kind, now)
    } finally {
      await opened.close()
    }
  } catch (error) {
    const remedy = config.embedded
      ? 'Read the log of the database in the data folder, and the end of docs/operate.md.'
      : 'Check PG_DSN: host, port, database, user, password, and whether the server lets this machine in.'
    return [failure(`${kind}: ${messageOf(error)}`, remedy)]
  }
}

async function checkServer(database: Database, kind: string, now: () => number): Promise<Finding[]> {
  const beganMs = now()
  const { rows } = await database.query<{ version: string; now_ms: string }>(
    `select current_setting('server_version_num') as version,
            (extract(epoch from clock_timestamp()) * 1000)::bigint::text as now_ms`,
  )
  const midwayMs = (beganMs + now()) / 2
  const major = Math.floor(Number(rows[0]?.version) / 10_000)
  const skewMs = Math.abs(Number(rows[0]?.now_ms) - midwayMs)
  return [
    major >= postgresMajorMin
      ? ok(`${kind} answers (PostgreSQL ${major})`)
      : failure(`${kind} is PostgreSQL ${major}`, `Use PostgreSQL ${postgresMajorMin} or newer.`),
    skewMs <= clockSkewMsMax
      ? ok('the clocks of this machine and of the database agree')
      : failure(
          `the clock of this machine and that of the database differ by ${(skewMs / 1000).toFixed(1)} s`,
          'Let both machines keep their time by NTP: tokens and alert windows depend on it.',
        ),
  ]
}

export async function checkRedis(config: Pick<Config, 'redisAddr' | 'redisPassword'>): Promise<Finding[]> {
  if (config.redisAddr === null) return []
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url: config.redisAddr.reveal(),
    ...(config.redisPassword ? { password: config.redisPassword.reveal() } : {}),
    socket: { connectTimeout: connectDeadlineMs, reconnectStrategy: false },
    disableOfflineQueue: true,
  })
  // Failures arrive at the awaited calls below; without a listener the same error would end the process.
  client.on('error', () => undefined)
  try {
    await Promise.race([client.connect().then(() => client.ping()), silence(connectDeadlineMs)])
    return [ok('Redis answers')]
  } catch (error) {
    return [failure(`Redis of REDIS_ADDR: ${messageOf(error)}`, 'Check REDIS_ADDR and REDIS_PASSWORD.')]
  } finally {
    if (client.isOpen) client.destroy()
  }
}

/** Rejects once the deadline has passed: a server may take the connection and then say nothing. */
function silence(deadlineMs: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    AbortSignal.timeout(deadlineMs).addEventListener('abort', () => reject(new Error('no answer in time')))
  })
}

/** Any HTTP answer will do: a downstream may well refuse a call without a credential. */
export async function checkDownstream(downstreamUrl: string | null): Promise<Finding> {
  if (downstreamUrl === null) {
    return warning(
      'DOWNSTREAM_URL is not set: calls that are not ours get 404',
      'Set it to the service behind the gateway, e.g. DOWNSTREAM_URL=http://new-api:3000.',
    )
  }
  try {
    const signal = AbortSignal.timeout(connectDeadlineMs)
    const response = await fetch(downstreamUrl, { redirect: 'manual', signal })
    await response.body?.cancel()
    return ok(`downstream ${downstreamUrl} answers (${response.status})`)
  } catch (error) {
    return failure(
      `downstream ${downstreamUrl}: ${messageOf(error)}`,
      'Check DOWNSTREAM_URL and whether that service runs and can be reached from here.',
    )
  }
}

/** fetch and the drivers keep the telling part in the cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return messageOf(error.cause)
  return error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name
}
