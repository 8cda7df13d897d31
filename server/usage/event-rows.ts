// SQL of the usage_events table.
import type { UsageEvent, UsageExportQuery } from '@sallyport/contract'
import { type Conditions, createConditions, type Database, type Queryable } from '../store/store.ts'

/** Any constant will do: writers share this advisory lock, and who wants the ledger to stand still takes it alone. */
const ledgerLock = 7_190_544_302
const exportBatchRows = 1000

export type EventRow = Omit<UsageEvent, 'created_at'> & { created_at: Date }

const columnTypes: Readonly<Record<keyof UsageEvent, string>> = {
  id: 'uuid',
  request_id: 'text',
  created_at: 'timestamptz',
  client_id: 'bigint',
  credential: 'text',
  endpoint: 'text',
  provider: 'text',
  model: 'text',
  method: 'text',
  status: 'smallint',
  duration_ms: 'integer',
  bytes_in: 'bigint',
  bytes_out: 'bigint',
  tokens_in: 'bigint',
  tokens_out: 'bigint',
  tokens_cached: 'bigint',
  unit_price_micros: 'bigint',
  cost_micros: 'bigint',
  provider_cost_micros: 'bigint',
  flags: 'text[]',
}

export const eventColumns = Object.keys(columnTypes).join(', ')
const recordType = Object.entries(columnTypes)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

/** `events`: the JSON of each. Answers how many were new: an event that is there already is left as it is. */
export async function insertEvents(tx: Queryable, events: readonly string[]): Promise<number> {
  await tx.query(`select pg_advisory_xact_lock_shared(${ledgerLock})`)
  const { rowCount } = await tx.query(
    `insert into usage_events (${eventColumns})
     select ${eventColumns} from json_to_recordset($1::json) as event(${recordType}) on conflict (id) do nothing`,
    [`[${events.join()}]`],
  )
  return rowCount
}

/** See `UsageLedger.sealPosition`. */
export async function sealPosition(tx: Queryable): Promise<number> {
  await tx.query(`select pg_advisory_xact_lock(${ledgerLock})`)
  const { rows } = await tx.query<{ position: number }>(
    'select case when is_called then last_value else 0 end as position from usage_events_seq_seq',
  )
  return rows[0]?.position ?? 0
}

/** Newest first, in batches. */
export async function* exportEvents(
  database: Pick<Database, 'stream'>,
  query: UsageExportQuery,
): AsyncIterable<UsageEvent[]> {
  const { where, values } = eventConditions(query)
  const sql = `select ${eventColumns} from usage_events ${where} order by created_at desc, id desc`
  for await (const rows of database.stream<EventRow>(sql, values, exportBatchRows)) yield rows.map(toEvent)
}

export async function sumCost(
  database: Queryable,
  clientId: number,
  [from, before]: readonly [Date, Date],
): Promise<number> {
  const { rows } = await database.query<{ micros: number }>(
    `select coalesce(sum(cost_micros), 0)::bigint as micros from usage_events
     where client_id = $1 and created_at >= $2 and created_at < $3`,
    [clientId, from, before],
  )
  return rows[0]?.micros ?? 0
}

/** The client first: its events of a time are one range of an index. */
export function eventConditions({ from, to, ...filter }: UsageExportQuery): Conditions {
  const conditions = createConditions()
  addFilter(conditions, filter)
  conditions.addTime('created_at', { from, to })
  return conditions
}

function addFilter(conditions: Conditions, filter: Omit<UsageExportQuery, 'from' | 'to'>): void {
  for (const column of ['client_id', 'endpoint', 'provider', 'model'] as const) {
    if (filter[column] !== undefined) conditions.add((value) => `${column} = ${value}`, filter[column])
  }
  if (filter.outcome === undefined) return
  conditions.add((value) => `(status between 1 and 399) = ${value}`, filter.outcome === 'answered')
}

export function toEvent(row: EventRow): UsageEvent {
  return { ...row, created_at: row.created_at.toISOString() }
}
