// Guessing is stopped per address: five failures in fifteen minutes, then nothing is even looked at.
import { type IpAddress, rangeAround } from '../lib/ip-address.ts'
import type { Counters } from '../store/store.ts'

const failuresMax = 5
const windowMs = 15 * 60_000
const waitingPerAddressMax = 10
const waitingMax = 64
/** Each try costs 19 MiB and 40 ms of a thread; two threads of the pool stay free for everything else. */
const triesAtOnceMax = 2

export type Attempt<Result> =
  | { outcome: 'tried'; result: Result }
  | { outcome: 'locked'; retryAfterSeconds: number }
  /** More waits than will be kept waiting. */
  | { outcome: 'busy' }

export type LoginLockout = {
  /** Runs `tryPassword` unless the address is locked out; a null result is a failure and counts. */
  attempt<Result>(
    address: IpAddress,
    tryPassword: () => Promise<Result | null>,
  ): Promise<Attempt<Result | null>>
}

export function createLoginLockout(dependencies: { counters: Counters }): LoginLockout {
  const { counters } = dependencies
  const lanes = new Map<string, { tail: Promise<unknown>; waiting: number }>()
  const permits = createPermits(triesAtOnceMax)
  let waiting = 0

  /** Attempts of one address one after another, so that parallel guesses gain nothing. */
  async function inLane<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const lane = lanes.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
    lanes.set(key, lane)
    lane.waiting++
    waiting++
    const turn = lane.tail.then(() => permits.run(work))
    lane.tail = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      waiting--
      if (--lane.waiting === 0) lanes.delete(key)
    }
  }

  return {
    async attempt(address, tryPassword) {
      const key = lockoutKey(address)
      if (waiting >= waitingMax || (lanes.get(key)?.waiting ?? 0) >= waitingPerAddressMax) {
        return { outcome: 'busy' }
      }
      return inLane(key, async () => {
        // Counted before the try, so that replicas together cannot give more tries than one.
        const { count, resetMs } = await counters.increment(key, windowMs)
        if (count > failuresMax) return { outcome: 'locked', retryAfterSeconds: Math.ceil(resetMs / 1000) }
        const result = await tryPassword().catch(async (error: unknown) => {
          // An engine that was away is no failure of the caller.
          await counters.increment(key, windowMs, -1)
          throw error
        })
        if (result !== null) await counters.reset(key)
        return { outcome: 'tried', result }
      })
    },
  }
}

/** One key for all an attacker gets with one line: an IPv4 address, or the /64 of an IPv6 one. */
function lockoutKey(address: IpAddress): string {
  return `login:${rangeAround(address, address.family === 4 ? 32 : 64).text}`
}

function createPermits(permitsMax: number): { run<Result>(work: () => Promise<Result>): Promise<Result> } {
  const queue: (() => void)[] = []
  let free = permitsMax
  return {
    async run(work) {
      if (free > 0) free--
      else await new Promise<void>((resolve) => queue.push(resolve))
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next) next()
        else free++
      }
    },
  }
}
