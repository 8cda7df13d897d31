// Whether an engine is away: found out once, by one call, and looked for again in the background.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

const probePauseMs = 250

export type Circuit = {
  isAway(): boolean
  /** Declares the engine away and probes until it answers; nothing happens when it is known to be away. */
  open(cause: unknown): void
  /** Resolves when the engine is not away, or after `limitMs`. */
  untilBack(limitMs: number): Promise<void>
  close(): void
}

export type CircuitOptions = {
  engine: 'database' | 'redis'
  clock: Clock
  logger: Logger
  /** One round trip on a connection of its own; it must end by itself within about a second. */
  probe: () => Promise<void>
}

export function createCircuit({ engine, clock, logger, probe }: CircuitOptions): Circuit {
  let away = false
  let closed = false
  let timer: Timer | null = null
  const waiting = new Set<() => void>()

  async function lookForReturn(): Promise<void> {
    try {
      await probe()
    } catch {
      if (!closed) timer = clock.after(probePauseMs, () => void lookForReturn())
      return
    }
    if (closed) return
    away = false
    for (const resolve of waiting) resolve()
    logger.info(`${engine} is back`, { component: engine })
  }

  return {
    isAway: () => away,
    open(cause) {
      if (away || closed) return
      away = true
      logger.warn(`${engine} is away`, { component: engine, error: cause })
      void lookForReturn()
    },
    async untilBack(limitMs) {
      if (!away) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const limit = clock.after(limitMs, resolve)
      waiting.add(resolve)
      await promise
      waiting.delete(resolve)
      limit.cancel()
    },
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
