// Sums over many events, used for a while in proportion to what they took: adding up then costs a fiftieth of a database's time at most.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { SingleFlight } from '../lib/single-flight.ts'

/** Fewer are added up anew each time. */
const callsToRemember = 100_000
const useFactor = 50
const useMsMax = 30_000
const queriesMax = 200

/** `add` is run once for all who ask for `key` meanwhile; `callsOf` tells how many events went into its result. */
export function createRememberedSums<Sums>(clock: Clock, callsOf: (sums: Sums) => number) {
  const remembered = new BoundedMap<string, { sums: Sums; untilMs: number }>(queriesMax)
  const adding = new SingleFlight<string>()

  async function addAndKeep(key: string, add: () => Promise<Sums>): Promise<Sums> {
    const startedMs = clock.monotonicMs()
    const sums = await add()
    const nowMs = clock.monotonicMs()
    const useMs = Math.min(useMsMax, (nowMs - startedMs) * useFactor)
    if (callsOf(sums) >= callsToRemember) remembered.set(key, { sums, untilMs: nowMs + useMs })
    return sums
  }

  return async (key: string, add: () => Promise<Sums>): Promise<Sums> => {
    const known = remembered.peek(key)
    if (known && clock.monotonicMs() < known.untilMs) return known.sums
    return adding.share(key, () => addAndKeep(key, add)).promise
  }
}
