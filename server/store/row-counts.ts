// How many rows a condition holds: counted exactly, and remembered for a while where counting takes long.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import type { Queryable } from './store.ts'

export type CountRows = (table: string, where?: string, values?: readonly unknown[]) => Promise<number>

type Remembered = { rows: number; untilMs: number }

/** Fewer rows are counted anew each time. */
const rowsToRemember = 100_000
/** A count is used for this many times as long as it took: counting then takes a hundredth of the database's time at most. */
const useFactor = 100
const useMsMax = 30_000
const conditionsMax = 200

export function createRowCounts(database: Queryable, clock: Clock): CountRows {
  const remembered = new BoundedMap<string, Remembered>(conditionsMax)
  const counting = new SingleFlight<string>()

  async function count(key: string, sql: string, values: readonly unknown[]): Promise<number> {
    const startedMs = clock.monotonicMs()
    const counted = await database.query<{ rows: number }>(sql, values)
    const rows = counted.rows[0]?.rows ?? 0
    const nowMs = clock.monotonicMs()
    const useMs = Math.min(useMsMax, (nowMs - startedMs) * useFactor)
    if (rows >= rowsToRemember) remembered.set(key, { rows, untilMs: nowMs + useMs })
    return rows
  }

  return async (table, where = '', values = []) => {
    const sql = `select count(*) as rows from ${table} ${where}`
    const key = JSON.stringify([sql, values])
    const known = remembered.peek(key)
    if (known && clock.monotonicMs() < known.untilMs) return known.rows
    return counting.share(key, () => count(key, sql, values)).promise
  }
}
