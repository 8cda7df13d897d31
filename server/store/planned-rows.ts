// What PostgreSQL's planner thinks of a list, within a millisecond: its statistics, not its rows.
import type { Conditions } from './conditions.ts'
import type { List, Queryable } from './store.ts'

/** A list as another one, of which few rows are not in it. All three order their rows alike. */
export type Narrowing = { wider: Conditions; beyond: Conditions }

type Plan = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }

/** Where `beyond` is more, to find it takes as long as a look at each row of the list. */
const shareBeyondMax = 0.05

/** How many rows it expects; off either way where its statistics are old or the filters depend on each other. */
export async function planRows(database: Queryable, { table, conditions }: List): Promise<number> {
  const sql = `explain (format json) select from ${table} ${conditions.where}`
  const { rows } = await database.query<Plan>(sql, conditions.values)
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** Null where each filter leaves out much. */
export async function findNarrowing(database: Queryable, list: List): Promise<Narrowing | null> {
  const ways = list.conditions.listWider()
  if (ways.length === 0) return null
  const rowsBeyondMax = (await planRows(database, list)) * shareBeyondMax
  for (const way of ways) {
    if ((await planRows(database, { ...list, conditions: way.beyond })) <= rowsBeyondMax) return way
  }
  return null
}
