// Requests per minute of one credential and of its whole client, and the headers that tell how much is left.
import type { Counters } from '../store/store.ts'

/** Whose requests are counted, and how many a minute may hold; null: no limit. */
export type LimitedCaller = {
  clientId: number
  /** `api_key:7`, `device:12`. */
  credential: string
  requestsPerMinute: number | null
  clientRequestsPerMinute: number | null
}

export type RateVerdict = {
  /** Whole seconds until the reached limit opens again; null: the call may pass. */
  retryAfterSeconds: number | null
  /** `RateLimit` and `RateLimit-Policy` as of draft-ietf-httpapi-ratelimit-headers-10, one item for each limit. */
  headers: { 'RateLimit-Policy': string; RateLimit: string }
}

/** Counts one call. Null: nothing is limited, which is answered without a promise. */
export type TakeRequest = (caller: LimitedCaller) => null | Promise<RateVerdict>

const windowMs = 60_000

type Limit = { name: 'credential' | 'client'; key: string; requestsMax: number }
type Spent = Limit & { count: number; resetSeconds: number }

export function createRateLimits(counters: Pick<Counters, 'increment'>): TakeRequest {
  async function spend(limits: readonly Limit[]): Promise<RateVerdict> {
    const spent: Spent[] = []
    for (const limit of limits) {
      const { count, resetMs } = await counters.increment(`rate:${limit.key}`, windowMs)
      spent.push({ ...limit, count, resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)) })
      // A credential that is over its own limit uses up nothing of its client's.
      if (count > limit.requestsMax) break
    }
    return toVerdict(spent)
  }

  return (caller) => {
    const limits = limitsOf(caller)
    return limits.length === 0 ? null : spend(limits)
  }
}

function limitsOf(caller: LimitedCaller): Limit[] {
  const { clientId, credential, requestsPerMinute, clientRequestsPerMinute } = caller
  const limits: Limit[] = []
  if (requestsPerMinute !== null) {
    limits.push({ name: 'credential', key: credential, requestsMax: requestsPerMinute })
  }
  if (clientRequestsPerMinute !== null) {
    limits.push({ name: 'client', key: `client:${clientId}`, requestsMax: clientRequestsPerMinute })
  }
  return limits
}

function toVerdict(spent: readonly Spent[]): RateVerdict {
  const policies = spent.map(({ name, requestsMax }) => `"${name}";q=${requestsMax};w=${windowMs / 1000}`)
  const states = spent.map(
    ({ name, requestsMax, count, resetSeconds }) =>
      `"${name}";r=${Math.max(0, requestsMax - count)};t=${resetSeconds}`,
  )
  const reached = spent.find(({ count, requestsMax }) => count > requestsMax)
  return {
    retryAfterSeconds: reached?.resetSeconds ?? null,
    headers: { 'RateLimit-Policy': policies.join(', '), RateLimit: states.join(', ') },
  }
}
