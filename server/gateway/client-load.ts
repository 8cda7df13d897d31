// How much of the gateway one client may take with provider calls at once, so that its load cannot starve another's.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'

/** What one call holds; it is given back once, when the call ends. */
export type Share = {
  /** Room for a body that is collected; null: there is room. */
  reserve(bytes: number): AppError | null
  release(): void
}

export type ClientLoad = { enter(clientId: number): Share | AppError }

type Load = { calls: number; bytes: number }

const retryAfterSeconds = 1

export function createClientLoad(limits: Config['limits']['providers']): ClientLoad {
  // An entry lives as long as a call of its client, so the limit of requests in work bounds the map.
  const byClient = new Map<number, Load>()
  let bytesInAll = 0

  function reserve(load: Load, bytes: number): AppError | null {
    if (load.bytes + bytes > limits.collected_bytes_per_client_max) {
      return new AppError('too_many_requests', { retryAfterSeconds })
    }
    if (bytesInAll + bytes > limits.collected_bytes_max)
      return new AppError('overloaded', { retryAfterSeconds })
    load.bytes += bytes
    bytesInAll += bytes
    return null
  }

  return {
    enter(clientId) {
      const load = byClient.get(clientId) ?? { calls: 0, bytes: 0 }
      if (load.calls >= limits.concurrent_per_client_max) {
        return new AppError('too_many_requests', { retryAfterSeconds })
      }
      load.calls++
      byClient.set(clientId, load)
      let reserved = 0
      return {
        reserve(bytes) {
          const refusal = reserve(load, bytes)
          if (refusal === null) reserved += bytes
          return refusal
        },
        release() {
          load.calls--
          load.bytes -= reserved
          bytesInAll -= reserved
          if (load.calls === 0) byClient.delete(clientId)
        },
      }
    },
  }
}
