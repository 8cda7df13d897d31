// SQL of the intercepts table.
import type { InterceptItem, InterceptsExportQuery, InterceptsQuery } from '@sallyport/contract'
import {
  type Conditions,
  createConditions,
  type Database,
  type Page,
  type Queryable,
  selectPage,
} from '../store/store.ts'
import { checkRange } from './address-filter.ts'

type InterceptRow = Omit<InterceptItem, 'created_at'> & { created_at: Date }

const columns = `id, token_display, host(client_ip) as client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id, count`
const exportBatchRows = 1000

/** Answers the ids that were new: replaying a record changes nothing but a grown count. */
export async function insertIntercepts(tx: Queryable, items: readonly InterceptItem[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string; made: boolean }>(
    `insert into intercepts (id, token_display, client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id, count)
     select id, token_display, client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id, count
     from jsonb_to_recordset($1::jsonb) as item(id uuid, token_display text, client_ip inet, allowed_ips text[], method text,
       path text, reason text, alerted boolean, created_at timestamptz, request_id text, count integer)
     on conflict (id) do update set count = greatest(intercepts.count, excluded.count)
     returning id, xmax = 0 as made`,
    [JSON.stringify(items)],
  )
  return rows.filter((row) => row.made).map((row) => row.id)
}

export async function listIntercepts(
  database: Database,
  query: InterceptsQuery,
): Promise<Page<InterceptItem>> {
  const page = await selectPage<InterceptRow>(database, {
    table: 'intercepts',
    columns,
    order: ['created_at', 'id'],
    conditions: interceptConditions(query),
    page: query.page,
    pageSize: query.page_size,
  })
  return { ...page, items: page.items.map(toItem) }
}

/** The newest `count` of all, without a look at how many there are. */
export async function readNewest(database: Database, count: number): Promise<InterceptItem[]> {
  const { rows } = await database.query<InterceptRow>(
    `select ${columns} from intercepts order by created_at desc, id desc limit $1`,
    [count],
  )
  return rows.map(toItem)
}

/** Newest first, in batches: memory stays flat however many there are. */
export async function* exportIntercepts(
  database: Database,
  query: InterceptsExportQuery,
): AsyncIterable<InterceptItem[]> {
  const { where, values } = interceptConditions(query)
  const sql = `select ${columns} from intercepts ${where} order by created_at desc, id desc`
  for await (const rows of database.stream<InterceptRow>(sql, values, exportBatchRows)) yield rows.map(toItem)
}

function interceptConditions(query: InterceptsExportQuery): Conditions {
  const conditions = createConditions()
  if (query.q !== undefined) conditions.addPrefix('token_display', query.q)
  if (query.ip !== undefined) {
    conditions.add(
      (value) => `client_ip <<= ${value}::inet`,
      checkRange('ip', query.ip),
      (value) =>
        `(client_ip < ${value}::inet or client_ip > ${lastAddressOf(value)}) and not client_ip <<= ${value}::inet`,
    )
  }
  conditions.addTime('created_at', query)
  return conditions
}

function lastAddressOf(range: string): string {
  return `set_masklen(broadcast(${range}::inet), case family(${range}::inet) when 4 then 32 else 128 end)`
}

function toItem(row: InterceptRow): InterceptItem {
  return { ...row, created_at: row.created_at.toISOString() }
}
