// Door of the usage room: how much a caller may use, what it costs, and the record of it.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Store } from '../store/store.ts'
import type { MemberTimes } from './budget-members.ts'
import type { SendBudgetWarning } from './budget-warning.ts'
import type { Budgets } from './budgets.ts'
import { openBudgets } from './create-budgets.ts'
import { createMeter } from './meter.ts'
import type { Meter, TokenUsage } from './metering-types.ts'
import { createOpenCalls } from './open-calls.ts'
import { costOfTokens, createPrices, type Prices } from './prices.ts'
import { createRateLimits, type TakeRequest } from './rate-limits.ts'
import { createUsageDays, type UsageDays } from './usage-days.ts'
import { createUsageLedger, type UsageLedger } from './usage-ledger.ts'
import { scheduleUsageRetention } from './usage-retention.ts'

export type { BudgetWarning, SendBudgetWarning } from './budget-warning.ts'
export { describeBudgetWarning } from './budget-warning-mail.ts'
export type { Budgets } from './budgets.ts'
export type {
  CallOutcome,
  CallToMeter,
  Meter,
  MeteredCall,
  MeteredTarget,
  TokenUsage,
  UsageFlag,
} from './metering-types.ts'
export { costOfTokens, type ModelPrice, type Prices } from './prices.ts'
export type { LimitedCaller, RateVerdict, TakeRequest } from './rate-limits.ts'
export { type Settlement, settlement, type TakeRequest as TakeUsageRequest } from './settlement.ts'
export type { UsageDays } from './usage-days.ts'
export type { LedgerSlot, UsageLedger } from './usage-ledger.ts'

export type Usage = {
  /** Counts one call against the limits of requests per minute. */
  takeRequest: TakeRequest
  meter: Meter
  /** One event for each metered call. */
  events: UsageLedger
  /** Calls and cost by day. */
  days: UsageDays
  budgets: Budgets
  prices: Prices
  /** What tokens of a model cost the operator, in millionths of EUR; null: the model has no price here. */
  costAtProvider(use: { provider: string; model: string; tokens: TokenUsage }): number | null
  close(): Promise<void>
}

export type UsageDependencies = {
  config: Pick<Config, 'prices' | 'retention'> & { billing: Pick<Config['billing'], 'time_zone'> }
  store: Pick<Store, 'database' | 'notices' | 'tallies' | 'journal' | 'counters' | 'jobs'>
  sendWarning: SendBudgetWarning
  /** How long processes that share the counters are waited for; for tests. */
  memberTimes?: MemberTimes
  clock: Clock
  logger: Logger
}

export async function createUsage(dependencies: UsageDependencies): Promise<Usage> {
  const { config, store, clock, logger } = dependencies
  const { database, journal, counters } = store
  await scheduleUsageRetention({ ...store, config, clock, logger })
  const ledger = await createUsageLedger({ database, journal, clock, logger })
  const openCalls = createOpenCalls()
  const prices = createPrices(config)
  const budgets = openBudgets({ ...dependencies, ledger, openCalls })
  return {
    takeRequest: createRateLimits(counters),
    meter: createMeter({ prices, ledger, openCalls, budgets, clock, logger }),
    events: ledger,
    days: createUsageDays({ database, timeZone: config.billing.time_zone, clock }),
    budgets,
    prices,
    costAtProvider({ provider, model, tokens }) {
      const price = prices.ofModel(provider, model)
      return price && costOfTokens(price, tokens)
    },
    close: budgets.close,
  }
}
