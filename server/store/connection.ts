// One connection to PostgreSQL: how every session is set up, and what counts as a lost engine.
import { Socket } from 'node:net'
import pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import { withDeadline } from './deadline.ts'
import type { QueryResult, Row } from './store.ts'

/** Where the server is and who we are there. */
export type ConnectionTarget = Pick<
  pg.ClientConfig,
  'host' | 'port' | 'user' | 'password' | 'database' | 'connectionString'
>

/** No statement of ours may work longer than this on the server, whoever still waits for it. */
export const statementTimeoutMs = 30_000

/** Oids of pg_type. */
const int8 = 20
const int8Array: number = 1016
const date = 1082

const parseInt8Array = pg.types.getTypeParser(int8Array, 'text') as (text: string) => (string | null)[]

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database exceeds 2^53')
  return value
}

/** bigint as number, date as its text (a Date would shift it by the time zone of this machine), the rest as pg does. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    if (oid === int8) return parseInt8
    if (oid === int8Array) {
      return (text: string) => parseInt8Array(text).map((item) => (item === null ? null : parseInt8(item)))
    }
    if (oid === date) return (text: string) => text
    return pg.types.getTypeParser(oid, 'text')
  },
}

/** Driver settings of every session. The server notices within 2 s when nobody waits for an answer any more. */
export function sessionConfig(target: ConnectionTarget): pg.ClientConfig {
  return {
    ...target,
    application_name: 'sallyport',
    types: columnTypes,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    options: '-c client_connection_check_interval=2000 -c timezone=UTC',
  }
}

export type Connection = {
  readonly client: pg.Client
  query<R = Row>(sql: string, values: readonly unknown[], limitMs: number): Promise<QueryResult<R>>
  /** Cuts the connection without a farewell: a server that hangs would not hear it. */
  destroy(): void
}

/** Opens a connection outside the pool; throws when it does not stand within `limitMs`. */
export async function openConnection(
  target: ConnectionTarget,
  clock: Clock,
  limitMs: number,
): Promise<Connection> {
  const socket = new Socket()
  const client = new pg.Client({ ...sessionConfig(target), stream: () => socket })
  // A loss is seen by the query in work or by the next one; without a listener it would end the process.
  client.on('error', () => undefined)
  try {
    await withDeadline(clock, limitMs, client.connect())
  } catch (error) {
    socket.destroy()
    throw error
  }
  return {
    client,
    query: (sql, values, limit) => withDeadline(clock, limit, runOn(client, sql, values)),
    destroy: () => socket.destroy(),
  }
}

export async function runOn<R = Row>(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[] = [],
): Promise<QueryResult<R>> {
  const result: pg.QueryResult | pg.QueryResult[] = await client.query(
    sql,
    values.length > 0 ? [...values] : undefined,
  )
  // A text of several statements has a result for each.
  if (Array.isArray(result)) {
    const rows = result.flatMap((part: pg.QueryResult) => part.rows as R[])
    return { rows, rowCount: rows.length }
  }
  return { rows: result.rows as R[], rowCount: result.rowCount ?? 0 }
}

const lossStates = new Set(['57P01', '57P02', '57P03', '53300'])

/** True when the error tells of the connection or a server going down, not of the statement. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof pg.DatabaseError) return lossStates.has(code) || code.startsWith('08')
  return (
    /^E[A-Z]+$/.test(code) ||
    /^(Connection terminated|Client (has|was)|Query read timeout)/.test(error.message)
  )
}
