// Budgets of clients by day and month: what a call may cost is reserved before it is made and settled when it is over.
import { AppError, type BudgetState, type ClientBudgets } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import { EngineAwayError, type Tallies, type TallyClaim } from '../store/store.ts'
import type { FindPeriod, Period, PeriodName } from './budget-period.ts'
import type { BudgetCounter, BudgetRounds } from './budget-rounds.ts'
import type { BudgetSettlement } from './budget-settlement.ts'
import type { OpenCall, OpenCalls } from './open-calls.ts'

/*
 * How a budget holds.
 *
 * A client with any budget has two counters, of the day and of the month, in the zone of the configuration. A counter is a
 * tally (see the store room): the cost of settled calls, and what the open ones may cost at most. A call passes when both
 * together, with its own maximum, stay within the budget; a call that uses it exactly up passes. Its cost belongs to the
 * day and month in which it began, whenever it ends: that is where it was reserved, and its event carries that time.
 *
 * States of a counter:
 * - absent: at the first call of a client or period, after a start without Redis, after Redis lost its memory, and when the
 *   budgets of the client were changed (calls that were made meanwhile without a budget were not counted there).
 *   The call waits for a round, 1.5 s at most; while none can be had (database or Redis away), 503 `budget_unavailable`.
 * - in a round: every living process puts in, by the ids of their events, its open calls of that client and period, also those
 *   opened without a budget, and the events that may not have reached the database. Then one of them adds what the ledger
 *   holds without those ids. So each call is counted once, and nothing is forgotten in between. Two processes that
 *   begin at once find that only one round is on; a leader that dies is replaced after 5 s.
 * - ready: one atomic step reserves, one settles.
 *
 * A call that ends while Redis is away stays in this process's list of open calls and is settled later; until then others see
 * what was reserved for it, which is never less. A process that was killed leaves its reservations: they count for two more minutes
 * (over-counting), then each is replaced by what the ledger holds of it. A process that loses Redis and database at once for longer
 * than that, and serves on, is beyond what the others can know.
 *
 * Not covered: what a provider adds to the input by itself (pictures behind an address, its own instructions for tools) may make a call
 * dearer than its maximum; it is settled at its true cost then. Without Redis each process counts for itself between rounds.
 */

export type Budgets = {
  /** Null: the call may be made. Without a promise where nothing is budgeted or the counters are in this process. */
  reserve(call: OpenCall, budgets: ClientBudgets | null | undefined): MaybePromise<AppError | null>
  /** The call is over: what it did cost counts from now on. Never throws, never waits. */
  settle(call: OpenCall, costMicros: number): void
  /** What is left, for people. */
  describe(clientId: number, budgets: ClientBudgets | null | undefined): Promise<BudgetState[]>
  /** To be called before budgets of the client are changed. Throws AppError `budget_unavailable`. */
  forget(clientId: number): Promise<void>
}

export type BudgetDependencies = {
  tallies: Tallies
  rounds: Pick<BudgetRounds, 'rebuild' | 'watched'>
  settlement: BudgetSettlement
  findPeriod: FindPeriod
  openCalls: OpenCalls
  /** Calls were refused although they would fit, were it not for reservations: some may belong to a process that is gone. */
  sweep(counter: BudgetCounter): void
  /** Of a client whose calls are not counted, because it has no budget: what the ledger holds. Throws EngineAwayError. */
  spentSince(clientId: number, from: Date): Promise<number>
  clock: Clock
  logger: Logger
}

/** A counter and how much it may hold for this client. */
export type Claim = { period: Period; counter: BudgetCounter; limit: number }

/** A budget that is not there is never reached; the counter is kept all the same. */
const noLimit = Number.MAX_SAFE_INTEGER
const periodNames: readonly PeriodName[] = ['day', 'month']
/** A counter may be lost again while a call waits for the other one. */
const triesMax = 4

export function createBudgets(dependencies: BudgetDependencies): Budgets {
  const { tallies, rounds, settlement, openCalls, findPeriod, sweep, clock, logger } = dependencies

  function claimsOf(clientId: number, atMs: number, budgets: ClientBudgets | null | undefined): Claim[] {
    return periodNames.map((name) => {
      const period = findPeriod(name, atMs)
      const { startMs, endMs } = period
      const counter = { key: counterKey(clientId, name, startMs), clientId, startMs, endMs }
      return { period, counter, limit: limitOf(budgets, name) ?? noLimit }
    })
  }

  function attempt(call: OpenCall, claims: readonly Claim[], tries: number): MaybePromise<AppError | null> {
    for (const { counter } of claims) call.tallies.add(counter.key)
    const item = settlement.itemOf(call)
    return after(tallies.reserve(item, claims.map(toTallyClaim)), (answer) => {
      if (answer.outcome === 'reserved') return null
      const claim = claims.find(({ counter }) => counter.key === answer.key)
      if (claim === undefined) throw new Error('a counter answered that was not asked')
      if (answer.outcome === 'exceeded') return exceeded(claim, answer.reserved)
      return tries >= triesMax ? unavailable() : retry(call, claims, { claim, tries })
    })
  }

  async function retry(
    call: OpenCall,
    claims: readonly Claim[],
    { claim, tries }: { claim: Claim; tries: number },
  ): Promise<AppError | null> {
    const isReady = await rounds.rebuild(claim.counter)
    return isReady ? await attempt(call, claims, tries + 1) : unavailable()
  }

  function exceeded({ counter, limit }: Claim, reserved: number): AppError {
    if (reserved > 0) sweep(counter)
    return limit === noLimit ? unavailable() : new AppError('budget_exceeded')
  }

  function unavailable(cause?: unknown): AppError {
    return new AppError('budget_unavailable', { retryAfterSeconds: 1, cause })
  }

  function refuseFor(call: OpenCall, reason: AppError): AppError {
    settlement.settle(call, 0)
    return reason
  }

  function failed(call: OpenCall, error: unknown): AppError {
    if (!(error instanceof EngineAwayError)) {
      logger.error('a budget could not be counted', { component: 'usage', error })
    }
    return refuseFor(call, unavailable(error))
  }

  return {
    reserve(call, budgets) {
      if (call.amountMicros === 0 || !budgets || !hasBudget(budgets)) return null
      call.budgets = budgets
      const claims = claimsOf(call.clientId, call.beganMs, budgets)
      const judge = (refusal: AppError | null) => refusal && refuseFor(call, refusal)
      try {
        const found = attempt(call, claims, 1)
        return found instanceof Promise
          ? found.then(judge).catch((error: unknown) => failed(call, error))
          : judge(found)
      } catch (error) {
        return failed(call, error)
      }
    },
    settle(call, costMicros) {
      call.amountMicros = costMicros
      for (const key of rounds.watched(call.clientId, call.beganMs)) call.tallies.add(key)
      if (call.tallies.size === 0) openCalls.remove(call)
      else settlement.settle(call, costMicros)
    },
    async describe(clientId, budgets) {
      const claims = claimsOf(clientId, clock.now(), budgets)
      return await Promise.all(claims.map(({ period, counter }) => describe(period, counter, budgets)))
    },
    async forget(clientId) {
      const keys = claimsOf(clientId, clock.now(), null).map(({ counter }) => counter.key)
      try {
        await tallies.drop(keys)
      } catch (error) {
        throw unavailable(error)
      }
    },
  }

  async function describe(period: Period, counter: BudgetCounter, budgets: ClientBudgets | null | undefined) {
    const read = hasBudget(budgets) ? readSums(counter) : readLedger(counter)
    const sums = await read.catch(() => null)
    return {
      period: period.name,
      starts_at: new Date(period.startMs).toISOString(),
      ends_at: new Date(period.endMs).toISOString(),
      budget_micros: limitOf(budgets, period.name),
      spent_micros: sums?.settled ?? null,
      reserved_micros: sums?.reserved ?? null,
    }
  }

  async function readLedger({ clientId, startMs }: BudgetCounter) {
    return { settled: await dependencies.spentSince(clientId, new Date(startMs)), reserved: 0 }
  }

  async function readSums(counter: BudgetCounter) {
    const known = await tallies.read(counter.key)
    if (known !== null) return known
    return (await rounds.rebuild(counter)) ? await tallies.read(counter.key) : null
  }
}

function hasBudget(budgets: ClientBudgets | null | undefined): boolean {
  return limitOf(budgets, 'day') !== null || limitOf(budgets, 'month') !== null
}

export function counterKey(clientId: number, name: PeriodName, startMs: number): string {
  return `budget:${clientId}:${name}:${startMs}`
}

export function limitOf(budgets: ClientBudgets | null | undefined, name: PeriodName): number | null {
  return (name === 'day' ? budgets?.day_micros : budgets?.month_micros) ?? null
}

function toTallyClaim({ counter, limit }: Claim): TallyClaim {
  return { key: counter.key, limit }
}
