// One page of a filtered list, newest first, quick however deep the page lies.
import type { Database, Row } from './store.ts'

export type Page<Item> = { items: Item[]; total: number; page: number; page_size: number }

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
}

/**
 * The page is found by ids alone, from whichever end of the list is nearer, and only its rows are read whole:
 * the last page of a million rows costs what the first does, the middle one an index scan of half of them.
 * The total of a long list may be that of some seconds ago (`countRows`); its pages are then those of that moment.
 */
export async function selectPage<R extends Row>(database: Database, request: PageRequest): Promise<Page<R>> {
  const { table, columns, order, conditions, page, pageSize } = request
  const { where, values } = conditions
  const total = await database.countRows(table, where, values)
  const answer = { total, page, page_size: pageSize }
  const start = (page - 1) * pageSize
  const length = Math.min(pageSize, total - start)
  if (length <= 0) return { items: [], ...answer }
  const fromEnd = start > total / 2
  const sorted = (direction: 'asc' | 'desc') => order.map((column) => `${column} ${direction}`).join(', ')
  const { rows } = await database.query<R>(
    `select ${columns} from ${table}
     where id in (
       select id from ${table} ${where} order by ${sorted(fromEnd ? 'asc' : 'desc')}
       limit $${values.length + 1} offset $${values.length + 2}
     ) order by ${sorted('desc')}`,
    [...values, length, fromEnd ? total - start - length : start],
  )
  return { items: rows, ...answer }
}
