// Takes out reservations of processes that are gone: each is replaced by what the ledger holds of its call.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError, type Tallies } from '../store/store.ts'
import type { BudgetMembers } from './budget-members.ts'
import type { BudgetRecords } from './budget-records.ts'
import type { BudgetCounter } from './budget-rounds.ts'
import type { OpenCalls } from './open-calls.ts'

const remembered = 10_000

export function createBudgetSweep(dependencies: {
  tallies: Pick<Tallies, 'listOpen' | 'settle' | 'isShared'>
  members: Pick<BudgetMembers, 'self' | 'listKept'>
  records: Pick<BudgetRecords, 'costsOf'>
  openCalls: Pick<OpenCalls, 'has'>
  /** A counter is looked through once in this time. */
  pauseMs: number
  clock: Clock
  logger: Logger
}): (counter: BudgetCounter) => void {
  const { tallies, members, records, openCalls, pauseMs, clock, logger } = dependencies
  const sweptMs = new Map<string, number>()

  async function sweep({ key, clientId }: BudgetCounter): Promise<void> {
    const kept = new Set(await members.listKept())
    // Listed before it is compared with our own calls: one that ends in between is settled already, and a repeated settlement changes nothing.
    const items = await tallies.listOpen(key)
    const gone = items.filter(({ member, id }) =>
      member === members.self ? !openCalls.has(id) : !kept.has(member),
    )
    if (gone.length === 0) return
    const costs = await records.costsOf(
      clientId,
      gone.map(({ id }) => id),
    )
    for (const item of gone) await tallies.settle({ ...item, amount: costs.get(item.id) ?? 0 }, [key], true)
    logger.info('reservations of a process that is gone were taken out of a budget', {
      component: 'usage',
      count: gone.length,
    })
  }

  return (counter) => {
    if (!tallies.isShared) return
    const nowMs = clock.monotonicMs()
    if (nowMs - (sweptMs.get(counter.key) ?? Number.NEGATIVE_INFINITY) < pauseMs) return
    if (sweptMs.size >= remembered) sweptMs.clear()
    sweptMs.set(counter.key, nowMs)
    sweep(counter).catch((error: unknown) => {
      const level = error instanceof EngineAwayError ? 'debug' : 'error'
      logger[level]('reservations of a budget could not be looked through', { component: 'usage', error })
    })
  }
}
