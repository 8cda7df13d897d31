// Waiting for a state that only shows from outside: looks again and again until it holds or the deadline passes.
import { setTimeout as pause } from 'node:timers/promises'

const firstPauseMs = 10
/** A look may be a call to a gateway: hundreds of them would slow down what is waited for. */
const longestPauseMs = 150
/** For what must come true and promises no time: a loaded machine may take long, and nothing gets slower where it comes. */
const patienceMs = 30_000

/**
 * Resolves with the first value of `look` that is neither false, null nor undefined. Throws, naming `what`, when a look that
 * began after `withinMs` still did not see it: a machine that is busy during a look does not make it a late one.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = patienceMs,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + withinMs
  let lastError: unknown
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.2, longestPauseMs)) {
    const isLastLook = performance.now() > deadline
    try {
      const seen = await look()
      if (seen !== false && seen !== null && seen !== undefined) return seen as NonNullable<Exclude<T, false>>
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (isLastLook) {
      throw new Error(`not seen within ${withinMs} ms: ${what}`, { cause: lastError })
    }
    await pause(pauseMs)
  }
}

/**
 * `promise`, or an error naming `what` after `withinMs`: no test waits for ever. What this process had no time to notice
 * before is noticed first, so that a limit holds on a busy machine too.
 */
export async function within<T>(what: string, promise: Promise<T>, withinMs = patienceMs): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const fail = () => reject(new Error(`not within ${withinMs} ms: ${what}`))
  const timer = setTimeout(() => setImmediate(() => setImmediate(fail)), withinMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
