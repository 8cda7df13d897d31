// Doctor's look at PostgreSQL: does it answer, is it new enough, does its clock agree with ours.
import { Client } from 'pg'
import { type Config, ConfigError } from '../config/config.ts'
import { openDatabaseForCommand } from '../store/store.ts'
import { type Finding, failure, messageOf, ok, warning } from './finding.ts'
import { commandDependencies, isInstalled } from './installation.ts'
import type { Terminal } from './terminal.ts'

const postgresMajorMin = 15
const clockSkewMsMax = 2000
const deadlineMs = 3000

type Opened = {
  query: (sql: string) => Promise<{ rows: Record<string, unknown>[] }>
  close: () => Promise<void>
}

export async function checkDatabase(config: Config, terminal: Terminal): Promise<Finding[]> {
  const kind = config.embedded ? 'embedded database' : 'database of PG_DSN'
  if (!isInstalled(config)) return [warning(`there is no ${kind} yet`, 'The first start makes it.')]
  try {
    const opened = await (config.pgDsn ? openExternal(config.pgDsn.reveal()) : openEmbedded(config, terminal))
    try {
      return await checkServer(opened, kind, terminal.now)
    } finally {
      await opened.close()
    }
  } catch (error) {
    return describeFailure(error, kind, config)
  }
}

function describeFailure(error: unknown, kind: string, config: Config): Finding[] {
  if (error instanceof ConfigError) {
    const remedy = 'Run the doctor with the environment and in the working folder of the gateway.'
    return error.problems.map((problem) => failure(problem, remedy))
  }
  const remedy = config.embedded
    ? 'Read the log of the database in its folder, and "Recovering" in docs/operate.md.'
    : 'Check PG_DSN: host, port, database, user, password, and whether the server lets this machine in.'
  return [failure(`${kind}: ${messageOf(error)}`, remedy)]
}

/** The running server, else one that is started for the moment. */
async function openEmbedded(config: Config, terminal: Terminal): Promise<Opened> {
  const { database, close } = await openDatabaseForCommand(commandDependencies(config, terminal))
  return { query: (sql) => database.query(sql), close }
}

/** Plainly connected: looking must not wait for a server that is away, nor migrate a database that others use. */
async function openExternal(connectionString: string): Promise<Opened> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: deadlineMs,
    query_timeout: deadlineMs,
  })
  // A lost connection shows in the query that needs it; without a listener it would end the process.
  client.on('error', () => undefined)
  await client.connect()
  return { query: (sql) => client.query(sql), close: () => client.end() }
}

async function checkServer({ query }: Opened, kind: string, now: () => number): Promise<Finding[]> {
  const beganMs = now()
  const { rows } = await query(
    `select current_setting('server_version_num')::int as version,
            extract(epoch from clock_timestamp())::float8 as now_seconds`,
  )
  const midwayMs = (beganMs + now()) / 2
  const major = Math.floor(Number(rows[0]?.version) / 10_000)
  const skewMs = Math.abs(Number(rows[0]?.now_seconds) * 1000 - midwayMs)
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
