// Brings what a call did cost to its counters; while they can't be reached it is tried again, and the call counts as open.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError, type SettledSum, type Tallies, type TallyItem } from '../store/store.ts'
import type { BudgetRounds } from './budget-rounds.ts'
import type { OpenCall, OpenCalls } from './open-calls.ts'

export type BudgetSettlement = {
  itemOf(call: OpenCall): TallyItem
  /** Never throws, never waits. */
  settle(call: OpenCall, costMicros: number): void
  close(): void
}

export type SettlementDependencies = {
  tallies: Pick<Tallies, 'settle'>
  openCalls: Pick<OpenCalls, 'remove'>
  rounds: Pick<BudgetRounds, 'arrived'>
  member: string
  /** The counters after a settlement. */
  onSettled(call: OpenCall, sums: readonly SettledSum[]): void
  clock: Clock
  logger: Logger
}

const retryMs = 500
/** More than the calls that can be open at once: only a client whose budget was taken away can bring more than these. */
const waitingMax = 100_000

export function createBudgetSettlement(dependencies: SettlementDependencies): BudgetSettlement {
  const { tallies, openCalls, rounds, member, onSettled, clock, logger } = dependencies
  const waiting = new Set<OpenCall>()
  let timer: Timer | null = null
  let isRetrying = false

  const itemOf = ({ id, amountMicros }: OpenCall): TallyItem => ({ member, id, amount: amountMicros })

  function done(call: OpenCall, sums: readonly SettledSum[]): void {
    waiting.delete(call)
    openCalls.remove(call)
    if (call.amountMicros > 0) onSettled(call, sums)
  }

  async function deliver(call: OpenCall, isRepeated: boolean): Promise<void> {
    await rounds.arrived(call.tallies)
    done(call, await tallies.settle(itemOf(call), [...call.tallies], isRepeated))
  }

  function postpone(call: OpenCall, error: unknown): void {
    if (!(error instanceof EngineAwayError)) {
      logger.error('what a call did cost could not be counted', { component: 'usage', error })
    }
    waiting.add(call)
    if (waiting.size > waitingMax) {
      const [oldest] = waiting
      if (oldest !== undefined) done(oldest, [])
    }
    timer ??= clock.after(retryMs, () => void retryAll())
  }

  async function retryAll(): Promise<void> {
    timer = null
    if (isRetrying) return
    isRetrying = true
    for (const call of waiting) {
      try {
        await deliver(call, true)
      } catch (error) {
        postpone(call, error)
        break
      }
    }
    isRetrying = false
    if (waiting.size > 0) timer ??= clock.after(retryMs, () => void retryAll())
  }

  return {
    itemOf,
    settle(call, costMicros) {
      call.amountMicros = costMicros
      if (rounds.arrived(call.tallies) !== null) {
        deliver(call, false).catch((error: unknown) => postpone(call, error))
        return
      }
      try {
        const sums = tallies.settle(itemOf(call), [...call.tallies], false)
        if (!(sums instanceof Promise)) return done(call, sums)
        sums.then((found) => done(call, found)).catch((error: unknown) => postpone(call, error))
      } catch (error) {
        postpone(call, error)
      }
    },
    close: () => timer?.cancel(),
  }
}
