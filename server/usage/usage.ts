// Door of the usage room: how much a caller may use.
import type { Counters } from '../store/store.ts'
import { createRateLimits, type TakeRequest } from './rate-limits.ts'

export type { LimitedCaller, RateVerdict, TakeRequest } from './rate-limits.ts'

export type Usage = {
  /** Counts one call against the limits of requests per minute. */
  takeRequest: TakeRequest
}

export function createUsage({ counters }: { counters: Pick<Counters, 'increment'> }): Usage {
  return { takeRequest: createRateLimits(counters) }
}
