// How many client connections the process holds: fewer than configured where file descriptors are few, and never in silence.
import { readFileSync } from 'node:fs'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

export type ConnectionLimit = {
  readonly connectionsMax: number
  /** One more than the limit came and was cut. */
  noteTurnedAway(): void
  close(): void
}

export type ConnectionLimitOptions = {
  configuredMax: number
  /** Files and sockets that the process may have open at once; null when that is not known. */
  descriptors: number | null
  clock: Clock
  logger: Logger
}

/** Connections to database and Redis, journal, listener, and the runtime itself. */
const descriptorsReserved = 96
/** The client's socket and the one to the upstream. */
const descriptorsPerConnection = 2
const saidAgainMs = 10_000
/** Below this a start says so: enough for most, and more than a shell grants by itself. */
const fewConnections = 2000

/**
 * Without its own limit a process short of descriptors fails wherever the next one is needed: clients vanish without a
 * word, and database and journal with them.
 */
export function createConnectionLimit(options: ConnectionLimitOptions): ConnectionLimit {
  const { configuredMax, descriptors, clock, logger } = options
  const connectionsMax = Math.min(configuredMax, connectionsWithin(descriptors))
  let turnedAway = 0
  let silence: Timer | null = null
  if (connectionsMax < Math.min(configuredMax, fewConnections)) {
    logger.warn('file descriptors are few: raise the limit of open files (ulimit -n, LimitNOFILE)', {
      component: 'http',
      detail: `${descriptors} allow ${connectionsMax} client connections of ${configuredMax} configured`,
    })
  }

  function say(): void {
    logger.warn('connections are turned away: the limit is reached', {
      component: 'http',
      count: turnedAway,
      detail: `${connectionsMax} client connections are open`,
    })
    turnedAway = 0
    silence = clock.after(saidAgainMs, () => {
      silence = null
      if (turnedAway > 0) say()
    })
  }

  return {
    connectionsMax,
    noteTurnedAway() {
      turnedAway++
      if (silence === null) say()
    },
    close: () => silence?.cancel(),
  }
}

/** What Linux grants this process; null elsewhere. */
export function readDescriptorLimit(): number | null {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? null : Number(limit)
  } catch {
    return null
  }
}

function connectionsWithin(descriptors: number | null): number {
  if (descriptors === null) return Number.POSITIVE_INFINITY
  return Math.max(1, Math.floor((descriptors - descriptorsReserved) / descriptorsPerConnection))
}
