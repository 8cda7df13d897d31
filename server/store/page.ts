// One page of a filtered list, newest first, quick however deep the page lies.
import { findNarrowing, type Narrowing } from './planned-rows.ts'
import type { Database, ExpectedRows, List, Row } from './store.ts'

export type Page<Item> = {
  items: Item[]
  total: number
  /** Absent: `total` is exact. */
  total_is_estimate?: true
  page: number
  page_size: number
}

export type PageRequest = List & {
  columns: string
  /** Columns that order the list, descending; the last one is unique and is called `id`. */
  order: readonly string[]
  page: number
  pageSize: number
  /** Rows that match, where the caller has counted them anyway. */
  total?: number
}

type Statement = { sql: string; values: readonly unknown[] }

/** From here on it matters how wide the index is through which a page is found. */
const rowsOfDeepPage = 20_000
/** What it takes to walk past a row against what it takes to count it, which the server does on more than one core. */
const walkedToCounted = 1.6

/**
 * A short list, and a long one that was counted lately, is told exactly (`expectRows`). A long one that nobody has looked
 * at is shown with an estimate of its total and counted behind the answer, so that the first look need not wait for it.
 */
export async function selectPage<R extends Row>(database: Database, request: PageRequest): Promise<Page<R>> {
  const { page, pageSize } = request
  const { rows, isExact, isDue } = await findLength(database, request)
  const found = isExact
    ? { items: await readNearerEnd<R>(database, request, rows), total: rows }
    : await readFromStart<R>(database, request, rows)
  // Only now: a count that runs beside the reading slows it down.
  if (isDue) database.countLater(request)
  return { ...found, page, page_size: pageSize }
}

async function findLength(database: Database, request: PageRequest): Promise<ExpectedRows> {
  const { total } = request
  if (total !== undefined) return { rows: total, isExact: true, isDue: false }
  const expected = await database.expectRows(request)
  if (expected.isExact || isSoonerWalked(startOf(request), expected.rows)) return expected
  return { rows: await database.countRows(request), isExact: true, isDue: false }
}

/** Than all rows are counted and the page is then found from the end. */
function isSoonerWalked(start: number, rows: number): boolean {
  return start * walkedToCounted <= rows + (rows - start) * walkedToCounted
}

/**
 * Of a list whose length is known: from whichever end is nearer, so that the last page of a million rows costs what the first
 * does, the middle one an index scan of half of them. The total may be that of some seconds ago; its pages are then those
 * of that moment.
 */
async function readNearerEnd<R extends Row>(
  database: Database,
  request: PageRequest,
  total: number,
): Promise<R[]> {
  const start = startOf(request)
  const length = Math.min(request.pageSize, total - start)
  if (length <= 0) return []
  const isFromEnd = start > total / 2
  const offset = isFromEnd ? total - start - length : start
  return readRows(database, request, { length, offset, isFromEnd })
}

/**
 * A page of a list whose length is only estimated. The total never says that the list ends where it does
 * not, or goes on where it ends.
 */
async function readFromStart<R extends Row>(
  database: Database,
  request: PageRequest,
  estimate: number,
): Promise<Pick<Page<R>, 'items' | 'total' | 'total_is_estimate'>> {
  const { pageSize } = request
  const start = startOf(request)
  // One more than is shown tells whether the list goes on.
  const rows = await readRows<R>(database, request, { length: pageSize + 1, offset: start, isFromEnd: false })
  if (rows.length > pageSize) {
    return { items: rows.slice(0, pageSize), total: estimate, total_is_estimate: true }
  }
  if (rows.length > 0 || start === 0) return { items: rows, total: start + rows.length }
  // Who is beyond the end wants to know where it is.
  return { items: [], total: Math.min(start, await database.countRows(request)) }
}

function startOf({ page, pageSize }: PageRequest): number {
  return (page - 1) * pageSize
}

type Place = { length: number; offset: number; isFromEnd: boolean }

/** Found by ids alone; only the rows of the page are read whole. */
async function readRows<R extends Row>(database: Database, request: PageRequest, place: Place): Promise<R[]> {
  const { table, columns, order } = request
  const narrowing = place.offset < rowsOfDeepPage ? null : await findNarrowing(database, request)
  const ids = narrowing === null ? selectIds(request, place) : selectIdsFromWider(request, place, narrowing)
  const { rows } = await database.query<R>(
    `select ${columns} from ${table} where id in (${ids.sql}) order by ${sorted(order, false)}`,
    ids.values,
  )
  return rows
}

function selectIds({ table, order, conditions }: PageRequest, place: Place): Statement {
  const { where, values } = conditions
  return {
    sql: `select id from ${table} ${where} order by ${sorted(order, place.isFromEnd)}
      limit $${values.length + 1} offset $${values.length + 2}`,
    values: [...values, place.length, place.offset],
  }
}

/**
 * Walks the wider list, in its narrower index, to the row that stands at the place of the page there. The page is as many
 * rows further on as the wider list had beyond this one until then.
 */
function selectIdsFromWider(
  { table, order, conditions }: PageRequest,
  { length, offset, isFromEnd }: Place,
  { wider, beyond }: Narrowing,
): Statement {
  const values = [...wider.values, ...conditions.values, ...beyond.values, length, offset]
  const place = `(${order.join(', ')})`
  const start = `(${order.map((column) => `(select ${column} from start)`).join(', ')})`
  return {
    sql: `with start as materialized (
        select ${order.join(', ')} from ${table} ${wider.where} order by ${sorted(order, isFromEnd)}
        limit 1 offset $${values.length}
      )
      select id from ${table} ${conditions.whereAfter(wider.values.length)} and ${place} ${isFromEnd ? '>=' : '<='} ${start}
      order by ${sorted(order, isFromEnd)} limit $${values.length - 1} offset (
        select count(*) from ${table} ${beyond.whereAfter(wider.values.length + conditions.values.length)}
        and ${place} ${isFromEnd ? '<' : '>'} ${start}
      )`,
    values,
  }
}

function sorted(order: readonly string[], isFromEnd: boolean): string {
  return order.map((column) => `${column} ${isFromEnd ? 'asc' : 'desc'}`).join(', ')
}
