// Waiting for a state that only shows from outside: looks again and again until it holds or the deadline passes.
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves with the first value of `look` that is neither false, null nor undefined. Throws, naming `what`, after `withinMs`. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + withinMs
  let lastError: unknown
  for (;;) {
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
    await pause(10)
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
