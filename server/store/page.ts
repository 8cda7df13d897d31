// One page of a filtered list, newest first, quick however deep the page lies.
import type { Database, ExpectedRows, Row } from './store.ts'

export type Page<Item> = {
  items: Item[]
  total: number
  /** Absent: `total` is exact. */
  total_is_estimate?: true
  page: number
  page_size: number
}

/** WHERE conditions with their values; texts of a caller reach the database as values only. */
export type Conditions = {
  readonly where: string
  readonly values: readonly unknown[]
  /** `sql` receives the placeholder of `value`. */
  add(sql: (placeholder: string) => string, value: unknown): void
  /** `column` begins with `text`, which is taken literally: `%` and `_` are plain characters. */
  addPrefix(column: string, text: string): void
}

export function createConditions(): Conditions {
  const parts: string[] = []
  const values: unknown[] = []
  return {
    get where() {
      return parts.length > 0 ? `where ${parts.join(' and ')}` : ''
    },
    values,
    add(sql, value) {
      values.push(value)
      parts.push(sql(`$${values.length}`))
    },
    addPrefix(column, text) {
      this.add((value) => `${column} like ${value}`, prefixPattern(text))
    },
  }
}

/** A LIKE pattern for what begins with `text`, taken literally. */
export function prefixPattern(text: string): string {
  return `${text.replace(/[\\%_]/g, '\\$&')}%`
}

export type PageRequest = {
  table: string
  columns: string
  /** Columns that order the list, descending; the last one is unique and is called `id`. */
  order: readonly string[]
  conditions: Conditions
  page: number
  pageSize: number
  /** Rows that match, where the caller has counted them anyway. */
  total?: number
}

/** What it takes to walk past a row against what it takes to count it, which the server does on more than one core. */
const walkedToCounted = 1.6

/**
 * A short list, and a long one that was counted lately, is told exactly (`expectRows`). A long one that nobody has looked
 * at is shown with an estimate of its total and counted behind the answer, so that the first look need not wait for it.
 */
export async function selectPage<R extends Row>(database: Database, request: PageRequest): Promise<Page<R>> {
  const { table, conditions, page, pageSize } = request
  const { where, values } = conditions
  const { rows, isExact, isDue } = await findLength(database, request)
  const found = isExact
    ? { items: await readNearerEnd<R>(database, request, rows), total: rows }
    : await readFromStart<R>(database, request, rows)
  // Only now: a count that runs beside the reading slows it down.
  if (isDue) database.countLater(table, where, values)
  return { ...found, page, page_size: pageSize }
}

async function findLength(database: Database, request: PageRequest): Promise<ExpectedRows> {
  const { table, conditions, total } = request
  const { where, values } = conditions
  if (total !== undefined) return { rows: total, isExact: true, isDue: false }
  const expected = await database.expectRows(table, where, values)
  if (expected.isExact || isSoonerWalked(startOf(request), expected.rows)) return expected
  return { rows: await database.countRows(table, where, values), isExact: true, isDue: false }
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
  const { table, conditions, pageSize } = request
  const { where, values } = conditions
  const start = startOf(request)
  // One more than is shown tells whether the list goes on.
  const rows = await readRows<R>(database, request, { length: pageSize + 1, offset: start, isFromEnd: false })
  if (rows.length > pageSize) {
    return { items: rows.slice(0, pageSize), total: estimate, total_is_estimate: true }
  }
  if (rows.length > 0 || start === 0) return { items: rows, total: start + rows.length }
  // Who is beyond the end wants to know where it is.
  return { items: [], total: Math.min(start, await database.countRows(table, where, values)) }
}

function startOf({ page, pageSize }: PageRequest): number {
  return (page - 1) * pageSize
}

/** Found by ids alone; only the rows of the page are read whole. */
async function readRows<R extends Row>(
  database: Database,
  { table, columns, order, conditions }: PageRequest,
  { length, offset, isFromEnd }: { length: number; offset: number; isFromEnd: boolean },
): Promise<R[]> {
  const { where, values } = conditions
  const sorted = (direction: 'asc' | 'desc') => order.map((column) => `${column} ${direction}`).join(', ')
  const { rows } = await database.query<R>(
    `select ${columns} from ${table}
     where id in (
       select id from ${table} ${where} order by ${sorted(isFromEnd ? 'asc' : 'desc')}
       limit $${values.length + 1} offset $${values.length + 2}
     ) order by ${sorted('desc')}`,
    [...values, length, offset],
  )
  return rows
}
