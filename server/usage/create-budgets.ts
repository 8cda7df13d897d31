// Puts the parts of budgets together: counters, rounds, settlements, sweeps and warnings.
import { randomUUID } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Store } from '../store/store.ts'
import {
  type BudgetMembers,
  createBudgetMembers,
  type MemberTimes,
  standardMemberTimes,
} from './budget-members.ts'
import { createFindPeriod } from './budget-period.ts'
import { createBudgetRecords } from './budget-records.ts'
import { createBudgetRounds } from './budget-rounds.ts'
import { createBudgetSettlement } from './budget-settlement.ts'
import { createBudgetSweep } from './budget-sweep.ts'
import { createBudgetWarnings, type SendBudgetWarning } from './budget-warning.ts'
import { type Budgets, counterKey, createBudgets } from './budgets.ts'
import type { OpenCalls } from './open-calls.ts'
import type { UsageLedger } from './usage-ledger.ts'

export type OpenBudgets = Budgets & { close(): Promise<void> }

export type OpenBudgetDependencies = {
  config: { billing: Pick<Config['billing'], 'time_zone'> }
  store: Pick<Store, 'database' | 'notices' | 'tallies'> & { journal: Pick<Store['journal'], 'flushed'> }
  ledger: Pick<UsageLedger, 'spentSince'>
  openCalls: OpenCalls
  sendWarning: SendBudgetWarning
  memberTimes?: MemberTimes
  clock: Clock
  logger: Logger
}

/** How long the end of the process waits for counters to learn what the last calls did cost. */
const farewellMs = 500

export function openBudgets(dependencies: OpenBudgetDependencies): OpenBudgets {
  const { config, store, ledger, openCalls, sendWarning, clock, logger } = dependencies
  const { database, notices, tallies, journal } = store
  const findPeriod = createFindPeriod(config.billing.time_zone)
  const members = openMembers(dependencies)
  const records = createBudgetRecords(database)
  const rounds = createBudgetRounds({
    ...{ tallies, members, records, openCalls, database, notices, clock, logger },
    flushed: () => journal.flushed('usage'),
  })
  const warnings = createBudgetWarnings({
    ...{ database, findPeriod, keyOf: counterKey, send: sendWarning, clock, logger },
  })
  const settlement = createBudgetSettlement({
    ...{ tallies, openCalls, rounds, member: members.self, onSettled: warnings.check, clock, logger },
  })
  const pauseMs = (dependencies.memberTimes ?? standardMemberTimes).sweepMs
  const sweep = createBudgetSweep({ tallies, members, records, openCalls, pauseMs, clock, logger })
  const { spentSince } = ledger
  const budgets = createBudgets({
    ...{ tallies, rounds, settlement, findPeriod, openCalls, sweep, spentSince, clock, logger },
  })
  return {
    ...budgets,
    async close() {
      const deadlineMs = clock.monotonicMs() + farewellMs
      while (!openCalls.isEmpty() && clock.monotonicMs() < deadlineMs) {
        await new Promise<void>((resolve) => void clock.after(10, resolve))
      }
      rounds.close()
      settlement.close()
      warnings.close()
      await members.close(openCalls.isEmpty())
    },
  }
}

/** Alone, a process needs to tell nobody that it lives. */
function openMembers({ store, memberTimes, clock, logger }: OpenBudgetDependencies): BudgetMembers {
  const self = randomUUID()
  if (store.tallies.isShared) {
    const times = memberTimes ? { times: memberTimes } : {}
    return createBudgetMembers({ database: store.database, self, clock, logger, ...times })
  }
  return { self, listLiving: async () => [self], listKept: async () => [self], close: async () => undefined }
}
