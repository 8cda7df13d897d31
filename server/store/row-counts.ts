// How many rows a condition holds: counted exactly where that is quick, else told at once as the planner expects them and
// counted behind the answer. A count that took long is remembered for a while.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import { statementTimeoutMs } from './connection.ts'
import type { Database } from './store.ts'

export type RowCounts = Pick<Database, 'countRows' | 'expectRows' | 'countLater'>

type Counted = { rows: number; isQuick: boolean; renewMs: number; untilMs: number }
type Plan = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }

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

type Manner = { rowsToRemember: number; deadlineMs?: number }
const whileSomebodyWaits: Manner = { rowsToRemember: rowsOfLongList }
/** The server ends the statement first and says so: a list that takes too long to count does not make the engine look away. */
const behindTheAnswer: Manner = { rowsToRemember: 0, deadlineMs: statementTimeoutMs + 1_000 }

export function createRowCounts(database: Pick<Database, 'query'>, clock: Clock): RowCounts {
  const lists = new BoundedMap<string, Counted>(conditionsMax)
  const counting = new SingleFlight<string>()
  let isCountingBehind = false

  async function count(list: List, { rowsToRemember, ...options }: Manner): Promise<number> {
    const startedMs = clock.monotonicMs()
    const sql = `select count(*) as rows from ${list.source}`
    const counted = await database.query<{ rows: number }>(sql, list.values, options)
    const rows = counted.rows[0]?.rows ?? 0
    const nowMs = clock.monotonicMs()
    const tookMs = nowMs - startedMs
    const isQuick = tookMs <= quickMs
    const useMs = isQuick ? 0 : Math.min(useMsMax, tookMs * useFactor)
    if (rows >= rowsToRemember) {
      lists.set(list.key, { rows, isQuick, renewMs: nowMs + useMs / 2, untilMs: nowMs + useMs })
    }
    return rows
  }

  async function countExactly(list: List): Promise<number> {
    const known = lists.peek(list.key)
    if (known && clock.monotonicMs() < known.untilMs) return known.rows
    return counting.share(list.key, () => count(list, whileSomebodyWaits)).promise
  }

  /** Not when it was counted while the page was read for which it was due. */
  function isDue(known: Counted | undefined): boolean {
    return known === undefined || clock.monotonicMs() >= known.renewMs
  }

  async function plan({ source, values }: List): Promise<number> {
    const { rows } = await database.query<Plan>(`explain (format json) select from ${source}`, values)
    return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
  }

  /** One list at a time: who looks at many must not take the connections that calls are decided with. */
  function countBehind(list: List): void {
    if (isCountingBehind || !isDue(lists.peek(list.key))) return
    isCountingBehind = true
    counting
      .share(list.key, () => count(list, behindTheAnswer))
      // The next look at the list begins again.
      .promise.catch(() => undefined)
      .finally(() => {
        isCountingBehind = false
      })
  }

  return {
    countRows: (table, where, values) => countExactly(toList(table, where, values)),

    async expectRows(table, where, values) {
      const list = toList(table, where, values)
      const known = lists.peek(list.key)
      if (known !== undefined && clock.monotonicMs() < known.untilMs) {
        return { rows: known.rows, isExact: true, isDue: isDue(known) }
      }
      const expected = known?.isQuick ? 0 : await plan(list)
      if (expected >= rowsOfLongList) return { rows: expected, isExact: false, isDue: true }
      return { rows: await countExactly(list), isExact: true, isDue: false }
    },

    countLater: (table, where, values) => countBehind(toList(table, where, values)),
  }
}

type List = { source: string; values: readonly unknown[]; key: string }

function toList(table: string, where = '', values: readonly unknown[] = []): List {
  const source = `${table} ${where}`
  return { source, values, key: JSON.stringify([source, values]) }
}
