// Which processes share the budgets' counters: each says every second that it lives, in the database.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../store/store.ts'

export type BudgetMembers = {
  /** Id of this process, new at each start. */
  readonly self: string
  /** Those that take part in a round; null: they can't be told yet, because the database was away a moment ago. */
  listLiving(): Promise<string[] | null>
  /** Those whose reservations still count: the living, and who may come back or has records that are not in yet. */
  listKept(): Promise<string[]>
  /** `isDone`: nothing of this process is reserved any more, so nobody needs to wait for it. */
  close(isDone: boolean): Promise<void>
}

export type MemberTimes = {
  beatMs: number
  livingMs: number
  steadyMs: number
  keptMs: number
  sweepMs: number
}

/**
 * A process counts as living for 6 s after its last word. Reservations of one that was killed are kept for 2 minutes more: it
 * starts again within seconds, adopts its journal, and what the calls cost is in the ledger by then.
 * Words can't be heard while the database is away, so whoever judges others must have been heard itself for 3 s without a gap.
 */
export const standardMemberTimes: MemberTimes = {
  beatMs: 1_000,
  livingMs: 6_000,
  steadyMs: 3_000,
  keptMs: 120_000,
  /** A counter that refuses calls is looked through for reservations of the killed once in this time. */
  sweepMs: 10_000,
}
const forgottenAfterMs = 3_600_000
const limitMs = 1_000

export function createBudgetMembers(dependencies: {
  database: Pick<Database, 'query'>
  self: string
  clock: Clock
  logger: Logger
  times?: MemberTimes
}): BudgetMembers {
  const { database, self, clock, logger, times = standardMemberTimes } = dependencies
  let lastHeardMs = Number.NEGATIVE_INFINITY
  let steadySinceMs = 0
  let beating: Promise<void> | null = null

  async function beat(): Promise<void> {
    const sentMs = clock.monotonicMs()
    try {
      await database.query(
        `with gone as (delete from budget_members where seen_at < now() - $2 * interval '1 ms')
         insert into budget_members (member, seen_at) values ($1, now())
         on conflict (member) do update set seen_at = now()`,
        [self, forgottenAfterMs],
        { deadlineMs: limitMs },
      )
    } catch (error) {
      logger.debug('the counters of budgets could not tell the others that this process lives', {
        component: 'usage',
        error,
      })
      return
    }
    if (sentMs - lastHeardMs > times.beatMs * 3) steadySinceMs = sentMs
    lastHeardMs = sentMs
  }

  function beatOnce(): void {
    beating ??= beat().finally(() => {
      beating = null
    })
  }

  const heartbeat = clock.every(times.beatMs, beatOnce)
  beatOnce()

  async function list(youngerThanMs: number): Promise<string[]> {
    const { rows } = await database.query<{ member: string }>(
      `select member from budget_members where seen_at > now() - $1 * interval '1 ms'`,
      [youngerThanMs],
      { deadlineMs: limitMs },
    )
    return [...new Set([self, ...rows.map(({ member }) => member)])]
  }

  return {
    self,
    async listLiving() {
      await beating
      const isSteady = lastHeardMs >= steadySinceMs && clock.monotonicMs() - steadySinceMs > times.steadyMs
      if (isSteady) return list(times.livingMs)
      const known = await list(forgottenAfterMs)
      return known.length === 1 ? known : null
    },
    listKept: () => list(times.keptMs),
    async close(isDone) {
      heartbeat.cancel()
      await beating
      if (!isDone) return
      await database
        .query('delete from budget_members where member = $1', [self], { deadlineMs: limitMs })
        .catch(() => undefined)
    },
  }
}
