// Time as a dependency, so that tests move it instead of waiting.

export type Timer = { cancel(): void }

export type Clock = {
  /** Milliseconds since 1970, for records. */
  now(): number
  /** Milliseconds that only grow, for deadlines and ages. */
  monotonicMs(): number
  /** Calls `run` once after `delayMs`; never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): Timer
  /** Calls `run` each `periodMs` until cancelled; never keeps the process alive by itself. */
  every(periodMs: number, run: () => void): Timer
}

export const systemClock: Clock = {
  now: Date.now,
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs).unref()
    return { cancel: () => clearInterval(timer) }
  },
}

export type ManualClock = Clock & {
  /** Moves time on, calling every timer that falls due, in order. */
  advance(byMs: number): void
}

/** A clock that stands still until told; for tests and the seeded simulation. */
export function createManualClock(startMs = 1_760_000_000_000): ManualClock {
  let elapsedMs = 0
  let nextId = 0
  const timers = new Map<number, { dueMs: number; periodMs: number | null; run: () => void }>()
  const add = (delayMs: number, periodMs: number | null, run: () => void): Timer => {
    const id = nextId++
    timers.set(id, { dueMs: elapsedMs + delayMs, periodMs, run })
    return { cancel: () => timers.delete(id) }
  }
  return {
    now: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after: (delayMs, run) => add(delayMs, null, run),
    every: (periodMs, run) => add(periodMs, periodMs, run),
    advance(byMs) {
      const endMs = elapsedMs + byMs
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.dueMs <= endMs)
          .sort((a, b) => a[1].dueMs - b[1].dueMs)[0]
        if (!due) break
        const [id, timer] = due
        elapsedMs = Math.max(elapsedMs, timer.dueMs)
        if (timer.periodMs === null) timers.delete(id)
        else timer.dueMs += timer.periodMs
        timer.run()
      }
      elapsedMs = endMs
    },
  }
}
