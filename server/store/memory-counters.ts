// Fixed-window counters in this process, bounded: the key used longest ago goes first.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Counters } from './store.ts'

const countersMax = 100_000

type Window = { count: number; endsMs: number }

export function createMemoryCounters(clock: Clock): Counters {
  const windows = new BoundedMap<string, Window>(countersMax)

  function current(key: string, nowMs: number): Window | null {
    const window = windows.get(key)
    return window && window.endsMs > nowMs ? window : null
  }

  return {
    async increment(key, windowMs, by = 1) {
      const nowMs = clock.monotonicMs()
      const window = current(key, nowMs) ?? { count: 0, endsMs: nowMs + windowMs }
      window.count += by
      windows.set(key, window)
      return { count: window.count, resetMs: window.endsMs - nowMs }
    },
    async read(key) {
      const nowMs = clock.monotonicMs()
      const window = current(key, nowMs)
      return window ? { count: window.count, resetMs: window.endsMs - nowMs } : { count: 0, resetMs: 0 }
    },
    async reset(key) {
      windows.delete(key)
    },
  }
}
