// Whether an engine is away: found out once, by one call, and looked for again in the background.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

const probePauseMs = 250

export type Circuit = {
  isAway(): boolean
  /** Declares the engine away and probes until it answers; nothing happens when it is known to be away. */
  open(cause: unknown): void
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

  async function lookForReturn(): Promise<void> {
    try {
      await probe()
    } catch {
      if (!closed) timer = clock.after(probePauseMs, () => void lookForReturn())
      return
    }
    if (closed) return
    away = false
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
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
