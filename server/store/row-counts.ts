// How many rows a list holds: counted exactly where that is quick, else told at once as the planner expects them and
// counted behind the answer. A count that took long is remembered for a while.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import { statementTimeoutMs } from './connection.ts'
import { findNarrowing, planRows } from './planned-rows.ts'
import type { Database, List } from './store.ts'

export type RowCounts = Pick<Database, 'countRows' | 'expectRows' | 'countLater'>

type Counted = { rows: number; isQuick: boolean; renewMs: number; untilMs: number }

/** So many are counted within 50 ms even where each row has to be looked at. Longer lists are not counted while somebody waits. */
const rowsOfLongList = 20_000
/** A list that was counted within this is counted anew each time, however long it is. */
const quickMs = 20
/**
 * A count is used for this many times as long as it took, and is due again behind the answer of a look in the second half of
 * that: counting then takes a fiftieth of the database's time at most, and who goes on looking sees no estimate in between.
 */
const useFactor = 100
const useMsMax = 30_000
const conditionsMax = 200

type Manner = { rowsToRemember: number; isCurrent(known: Counted): boolean; deadlineMs?: number }

export function createRowCounts(database: Pick<Database, 'query'>, clock: Clock): RowCounts {
  const lists = new BoundedMap<string, Counted>(conditionsMax)
  const counting = new SingleFlight<string>()
  let isCountingBehind = false

  const whileSomebodyWaits: Manner = {
    rowsToRemember: rowsOfLongList,
    isCurrent: ({ untilMs }) => clock.monotonicMs() < untilMs,
  }
  const behindTheAnswer: Manner = {
    rowsToRemember: 0,
    isCurrent: ({ renewMs }) => clock.monotonicMs() < renewMs,
    // The server ends the statement first and says so: a list that takes too long to count does not make the engine look away.
    deadlineMs: statementTimeoutMs + 1_000,
  }

  async function countUnlessKnown(list: List, manner: Manner, count = countSooner): Promise<Counted> {
    const key = keyOf(list)
    const known = lists.peek(key)
    if (known && manner.isCurrent(known)) return known
    return counting.share(key, async () => {
      const counted = await count(list, manner)
      if (counted.rows >= manner.rowsToRemember) lists.set(key, counted)
      return counted
    }).promise
  }

  /** In a narrower index, where there is one: a wider list and what it has beyond this one. */
  async function countSooner(list: List, manner: Manner): Promise<Counted> {
    const narrowing = await findNarrowing(database, list)
    if (narrowing === null) return countAll(list, manner)
    const whole = await countUnlessKnown({ ...list, conditions: narrowing.wider }, manner)
    const beyond = await countAll({ ...list, conditions: narrowing.beyond }, manner)
    // As old as the count of the wider list, and used as long. That may have been before some of the rows beyond came.
    return { ...whole, rows: Math.max(0, whole.rows - beyond.rows) }
  }

  async function countAll(list: List, { deadlineMs }: Manner): Promise<Counted> {
    const startedMs = clock.monotonicMs()
    const counted = await database.query<{ rows: number }>(
      `select count(*) as rows from ${sourceOf(list)}`,
      list.conditions.values,
      deadlineMs === undefined ? {} : { deadlineMs },
    )
    const nowMs = clock.monotonicMs()
    const tookMs = nowMs - startedMs
    const isQuick = tookMs <= quickMs
    const useMs = isQuick ? 0 : Math.min(useMsMax, tookMs * useFactor)
    return { rows: counted.rows[0]?.rows ?? 0, isQuick, renewMs: nowMs + useMs / 2, untilMs: nowMs + useMs }
  }

  /** One list at a time: who looks at many must not take the connections that calls are decided with. */
  function countBehind(list: List): void {
    const known = lists.peek(keyOf(list))
    // It may have been counted while the page was read for which it was due.
    if (isCountingBehind || (known && behindTheAnswer.isCurrent(known))) return
    isCountingBehind = true
    countUnlessKnown(list, behindTheAnswer)
      // The next look at the list begins again.
      .catch(() => undefined)
      .finally(() => {
        isCountingBehind = false
      })
  }

  return {
    countRows: async (list) => (await countUnlessKnown(list, whileSomebodyWaits)).rows,

    async expectRows(list) {
      const known = lists.peek(keyOf(list))
      if (known && whileSomebodyWaits.isCurrent(known)) {
        return { rows: known.rows, isExact: true, isDue: !behindTheAnswer.isCurrent(known) }
      }
      const expected = known?.isQuick ? 0 : await planRows(database, list)
      if (expected >= rowsOfLongList) return { rows: expected, isExact: false, isDue: true }
      const { rows } = await countUnlessKnown(list, whileSomebodyWaits, countAll)
      return { rows, isExact: true, isDue: false }
    },

    countLater: countBehind,
  }
}

function sourceOf({ table, conditions }: List): string {
  return `${table} ${conditions.where}`
}

function keyOf(list: List): string {
  return JSON.stringify([sourceOf(list), list.conditions.values])
}
