// Waiting for a state that only shows from outside: looks again and again until it holds or the deadline passes.
import { setTimeout as pause } from 'node:timers/promises'

const firstPauseMs = 10
/** A look may be a call to a gateway: hundreds of them would slow down what is waited for. */
const longestPauseMs = 50

/** Resolves with the first value of `look` that is neither false, null nor undefined. Throws, naming `what`, after `withinMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + withinMs
  let lastError: unknown
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.2, longestPauseMs)) {
    try {
      const seen = await look()
      if (seen !== false && seen !== null && seen !== undefined) return seen as NonNullable<Exclude<T, false>>
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() > deadline) {
      throw new Error(`not seen within ${withinMs} ms: ${what}`, { cause: lastError })
    }
    await pause(pauseMs)
  }
}

/** `promise`, or an error naming `what` after `withinMs`: no test waits for ever. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 10_000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
