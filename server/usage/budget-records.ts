// What the ledger says of a client's spending, for the counters of budgets.
import type { Database } from '../store/store.ts'

export type BudgetRecords = {
  /** Cost of the client's events that began in `[fromMs, beforeMs)` and are in the database, without those named. */
  sum(clientId: number, fromMs: number, beforeMs: number, without: readonly string[]): Promise<number>
  /** Cost of each of these events that is in the database. */
  costsOf(clientId: number, ids: readonly string[]): Promise<Map<string, number>>
}

const limitMs = 2_000

export function createBudgetRecords(database: Pick<Database, 'query'>): BudgetRecords {
  return {
    async sum(clientId, fromMs, beforeMs, without) {
      const { rows } = await database.query<{ micros: number }>(
        `select coalesce(sum(cost_micros), 0)::bigint as micros from usage_events
         where client_id = $1 and created_at >= $2 and created_at < $3 and id <> all ($4::uuid[])`,
        [clientId, new Date(fromMs), new Date(beforeMs), without],
        { deadlineMs: limitMs },
      )
      return Number(rows[0]?.micros ?? 0)
    },
    async costsOf(clientId, ids) {
      const { rows } = await database.query<{ id: string; micros: number }>(
        'select id, cost_micros as micros from usage_events where client_id = $1 and id = any ($2::uuid[])',
        [clientId, ids],
        { deadlineMs: limitMs },
      )
      return new Map(rows.map(({ id, micros }) => [id, Number(micros)]))
    },
  }
}
