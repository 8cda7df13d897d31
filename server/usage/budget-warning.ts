// The warning that four fifths of a budget are spent: once for each client and period, whichever process notices first.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Queryable, SettledSum } from '../store/store.ts'
import type { FindPeriod, PeriodName } from './budget-period.ts'
import { limitOf } from './budgets.ts'
import type { OpenCall } from './open-calls.ts'

/** What is told; also the body of the webhook, with the client's `external_id`. */
export type BudgetWarning = {
  clientId: number
  period: PeriodName
  startsAt: string
  spentMicros: number
  budgetMicros: number
  timestamp: string
}

/** Queues whatever is to be sent, inside `tx`. */
export type SendBudgetWarning = (tx: Queryable, warning: BudgetWarning) => Promise<void>

export type BudgetWarnings = {
  check(call: OpenCall, sums: readonly SettledSum[]): void
  close(): void
}

const retryMs = 5_000
/** Counters that were warned of, by the end of which nothing more is asked; forgetting one costs a query. */
const rememberedMax = 10_000

export function createBudgetWarnings(dependencies: {
  database: Pick<Database, 'transaction'>
  findPeriod: FindPeriod
  keyOf(clientId: number, name: PeriodName, startMs: number): string
  send: SendBudgetWarning
  clock: Clock
  logger: Logger
}): BudgetWarnings {
  const { database, findPeriod, keyOf, send, clock, logger } = dependencies
  const told = new Set<string>()
  const waiting = new Map<string, BudgetWarning>()
  let timer: Timer | null = null

  /** The row is the right to tell: it stands only if everything was queued with it. */
  async function warn(warning: BudgetWarning): Promise<void> {
    const { clientId, period, startsAt, timestamp } = warning
    await database.transaction(async (tx) => {
      const { rowCount } = await tx.query(
        `with old as (delete from budget_warnings where starts_at < now() - interval '100 days')
         insert into budget_warnings (client_id, period, starts_at, warned_at) values ($1, $2, $3, $4)
         on conflict (client_id, period, starts_at) do nothing`,
        [clientId, period, startsAt, timestamp],
      )
      if (rowCount > 0) await send(tx, warning)
    })
  }

  function attempt(key: string, warning: BudgetWarning): void {
    warn(warning).then(
      () => void waiting.delete(key),
      (error: unknown) => {
        logger.warn('a budget warning could not be queued, it is tried again', { component: 'usage', error })
        timer ??= clock.after(retryMs, retryAll)
      },
    )
  }

  function retryAll(): void {
    timer = null
    for (const [key, warning] of waiting) attempt(key, warning)
  }

  function tell(key: string, warning: BudgetWarning): void {
    if (told.size >= rememberedMax) told.clear()
    told.add(key)
    waiting.set(key, warning)
    attempt(key, warning)
  }

  return {
    check({ clientId, beganMs, budgets }, sums) {
      if (budgets === null) return
      for (const period of ['day', 'month'] as const) {
        const budgetMicros = limitOf(budgets, period)
        if (budgetMicros === null || budgetMicros === 0) continue
        const { startMs } = findPeriod(period, beganMs)
        const key = keyOf(clientId, period, startMs)
        const spentMicros = sums.find((sum) => sum.key === key)?.settled ?? 0
        if (told.has(key) || !isNearlySpent(spentMicros, budgetMicros)) continue
        const startsAt = new Date(startMs).toISOString()
        const timestamp = new Date(clock.now()).toISOString()
        tell(key, { clientId, period, startsAt, spentMicros, budgetMicros, timestamp })
      }
    },
    close: () => timer?.cancel(),
  }
}

function isNearlySpent(spentMicros: number, budgetMicros: number): boolean {
  return spentMicros >= budgetMicros - Math.floor(budgetMicros / 5)
}
