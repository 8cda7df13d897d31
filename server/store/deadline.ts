// A limit on how long anything is waited for.
import type { Clock } from '../lib/clock.ts'

export class DeadlineError extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${Math.max(0, Math.round(limitMs))} ms`)
    this.name = 'DeadlineError'
  }
}

/** The outcome of `work`, or a DeadlineError once `limitMs` has passed; what `work` does later is ignored. */
export function withDeadline<Value>(clock: Clock, limitMs: number, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(Math.max(0, limitMs), () => reject(new DeadlineError(limitMs)))
    work.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (error: unknown) => {
        timer.cancel()
        reject(error)
      },
    )
  })
}
