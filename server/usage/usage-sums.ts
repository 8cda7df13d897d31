// What the events of a query add up to, in all and by endpoint: one range of an index, remembered where it is long.
import type { UsageAnswer } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Conditions, Database } from '../store/store.ts'
import { createRememberedSums } from './remembered-sums.ts'

export type UsageSums = Pick<UsageAnswer, 'totals' | 'by_endpoint'>

/** Paths of own keys are named by their callers, so their number has no bound; the dearest are told. */
const endpointsMax = 100
export const sumDeadlineMs = 20_000

type SumRow = {
  endpoint: string
  calls: number
  cost_micros: number
  all_calls: number
  all_cost_micros: number
}

export function createUsageSums(database: Pick<Database, 'query'>, clock: Clock) {
  const remembered = createRememberedSums<UsageSums>(clock, ({ totals }) => totals.calls)

  async function add({ where, values }: Conditions): Promise<UsageSums> {
    const { rows } = await database.query<SumRow>(sumSql(where), values, { deadlineMs: sumDeadlineMs })
    return {
      totals: { calls: rows[0]?.all_calls ?? 0, cost_micros: rows[0]?.all_cost_micros ?? 0 },
      by_endpoint: rows.map(({ endpoint, calls, cost_micros }) => ({ endpoint, calls, cost_micros })),
    }
  }

  return (conditions: Conditions): Promise<UsageSums> =>
    remembered(JSON.stringify([conditions.where, conditions.values]), () => add(conditions))
}

function sumSql(where: string): string {
  return `
    select endpoint, calls, cost_micros, sum(calls) over ()::bigint as all_calls, sum(cost_micros) over ()::bigint as all_cost_micros
    from (
      select endpoint, count(*) as calls, sum(cost_micros)::bigint as cost_micros from usage_events ${where} group by endpoint
    ) as sums
    order by cost_micros desc, calls desc, endpoint limit ${endpointsMax}`
}
