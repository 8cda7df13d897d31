// How many requests may be in work at once: in the process, and from one address.
import { AppError } from '@sallyport/contract'
import type { ConfigFile } from '../config/config.ts'
import { type IpAddress, rangeAround } from '../lib/ip-address.ts'

/** Requests to our own routes, to providers and to the downstream have their own limits. */
export type RequestKind = 'own' | 'proxy' | 'passThrough'

export type Admission = {
  /** Null: there is room, and `leave` must be called with the same values when the request ends. */
  enter(kind: RequestKind, address: IpAddress): AppError | null
  leave(kind: RequestKind, address: IpAddress): void
  /** Requests in work. */
  count(): number
}

const retryAfterSeconds = 1

export function createAdmission(limits: ConfigFile['limits']): Admission {
  let inWork = 0
  // An entry lives as long as a request of its address, so the process limit bounds these maps.
  const byAddress = {
    own: new Map<string, number>(),
    proxy: new Map<string, number>(),
    passThrough: new Map<string, number>(),
  }
  const maxima = {
    own: limits.admin.concurrent_per_address_max,
    proxy: limits.providers.concurrent_per_address_max,
    passThrough: limits.pass_through.concurrent_per_address_max,
  }
  return {
    enter(kind, address) {
      if (inWork >= limits.concurrent_requests_max) return new AppError('overloaded', { retryAfterSeconds })
      const key = keyOf(address)
      const count = byAddress[kind].get(key) ?? 0
      if (count >= maxima[kind]) return new AppError('too_many_requests', { retryAfterSeconds })
      byAddress[kind].set(key, count + 1)
      inWork++
      return null
    },
    leave(kind, address) {
      const key = keyOf(address)
      const count = byAddress[kind].get(key) ?? 0
      if (count > 1) byAddress[kind].set(key, count - 1)
      else byAddress[kind].delete(key)
      inWork--
    },
    count: () => inWork,
  }
}

/** One IPv6 caller commands a whole /64. */
function keyOf(address: IpAddress): string {
  return address.family === 4 ? address.text : rangeAround(address, 64).text
}
