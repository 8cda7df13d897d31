// How much of the gateway one client may take with provider calls at once, so that its load cannot starve another's.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { SharedRoom } from '../lib/shared-room.ts'

/** What one call holds; it is given back once, when the call ends. */
export type Share = {
  /** Room for a body that is collected; null: there is room. */
  reserve(bytes: number): AppError | null
  release(): void
}

export type ClientLoad = { enter(clientId: number): Share | AppError }

const retryAfterSeconds = 1

export function createClientLoad(limits: Config['limits']['providers']): ClientLoad {
  // An entry lives as long as a call of its client, so the limit of requests in work bounds the map.
  const callsByClient = new Map<number, number>()
  const bodies = new SharedRoom<number>({
    bytesMax: limits.collected_bytes_max,
    holderBytesMax: limits.collected_bytes_per_client_max,
  })

  function addCalls(clientId: number, more: 1 | -1): void {
    const calls = (callsByClient.get(clientId) ?? 0) + more
    if (calls > 0) callsByClient.set(clientId, calls)
    else callsByClient.delete(clientId)
  }

  return {
    enter(clientId) {
      if ((callsByClient.get(clientId) ?? 0) >= limits.concurrent_per_client_max) {
        return new AppError('too_many_requests', { retryAfterSeconds })
      }
      addCalls(clientId, 1)
      const body = bodies.open(clientId)
      return {
        reserve(bytes) {
          const lack = body.take(bytes)
          return lack && new AppError(lack, { retryAfterSeconds })
        },
        release() {
          addCalls(clientId, -1)
          body.giveBack()
        },
      }
    },
  }
}
