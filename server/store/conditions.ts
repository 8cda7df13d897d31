// What a list is filtered by, as conditions of SQL.
import { AppError } from '@sallyport/contract'

/** Receives the placeholder of its value. */
type Sql = (placeholder: string) => string
type Condition = { sql: Sql; value: unknown }
/** `outside` holds for every other row, and is quickly found in an index where it holds for few. */
type Filter = Condition & { outside?: Condition }

/** WHERE conditions with their values; texts of a caller reach the database as values only. */
export type Conditions = {
  readonly where: string
  /** The same after as many values of others in one statement. */
  whereAfter(valuesOfOthers: number): string
  readonly values: readonly unknown[]
  /** `outside` may tell the rest of the table by the same value. */
  add(sql: Sql, value: unknown, outside?: Sql): void
  /** `column` begins with `text`, which is taken literally: `%` and `_` are plain characters. */
  addPrefix(column: string, text: string): void
  /**
   * `column` lies in a time: from `from` on and before `to`; a date without a time means the whole day (UTC).
   * Throws AppError `malformed_request` when it ends before it begins.
   */
  addTime(column: string, time: { from?: string | undefined; to?: string | undefined }): void
  /** Ways to tell these rows as those of a wider list without the few that it has beyond them. */
  listWider(): { wider: Conditions; beyond: Conditions }[]
}

export function createConditions(given: readonly Filter[] = []): Conditions {
  const filters = [...given]

  const conditions: Conditions = {
    get where() {
      return conditions.whereAfter(0)
    },

    whereAfter(valuesOfOthers) {
      const parts = filters.map(({ sql }, at) => sql(`$${valuesOfOthers + at + 1}`))
      return parts.length > 0 ? `where ${parts.join(' and ')}` : ''
    },

    get values() {
      return filters.map(({ value }) => value)
    },

    add(sql, value, outside) {
      filters.push({ sql, value, ...(outside && { outside: { sql: outside, value } }) })
    },

    addPrefix(column, text) {
      filters.push({
        sql: (value) => `${column} like ${value}`,
        value: prefixPattern(text),
        // Between the two bounds of the index stands little but what begins with the text.
        outside: {
          sql: (value) =>
            `(${column} ~<~ ${value} or ${column} ~>~ (${value} || '~')) and not starts_with(${column}, ${value})`,
          value: text,
        },
      })
    },

    addTime(column, { from, to }) {
      const start = from === undefined ? null : new Date(from)
      const end = to === undefined ? null : endOf(to)
      if (start && end && start >= end) {
        throw new AppError('malformed_request', { message: `from: ${from} is not before to: ${to}.` })
      }
      const before: Sql = (value) => `${column} < ${value}`
      const notBefore: Sql = (value) => `${column} >= ${value}`
      if (start) conditions.add(notBefore, start, before)
      if (end) conditions.add(before, end, notBefore)
    },

    listWider() {
      return filters.flatMap((filter) => {
        if (!filter.outside) return []
        const others = filters.filter((other) => other !== filter)
        return [{ wider: createConditions(others), beyond: createConditions([...others, filter.outside]) }]
      })
    },
  }
  return conditions
}

/** A LIKE pattern for what begins with `text`, taken literally. */
export function prefixPattern(text: string): string {
  return `${text.replace(/[\\%_]/g, '\\$&')}%`
}

function endOf(text: string): Date {
  const moment = new Date(text)
  if (!text.includes('T')) moment.setUTCDate(moment.getUTCDate() + 1)
  return moment
}
