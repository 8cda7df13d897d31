// How much memory the bodies of one client, and of all, may take until their pictures are kept.
import { AppError } from '@sallyport/contract'

export type BodyLoadLimits = { bytesMax: number; clientBytesMax: number }

/** Room of one body; given back once. */
export type BodyRoom = {
  /** Null: there is room for so many bytes more. */
  reserve(bytes: number): AppError | null
  release(): void
}

const retryAfterSeconds = 1

export function createBodyLoad({ bytesMax, clientBytesMax }: BodyLoadLimits): (clientId: number) => BodyRoom {
  // An entry lives as long as a body of its client, so the limit of requests in work bounds the map.
  const byClient = new Map<number, number>()
  let bytesInAll = 0

  function add(clientId: number, bytes: number): void {
    bytesInAll += bytes
    const held = (byClient.get(clientId) ?? 0) + bytes
    if (held > 0) byClient.set(clientId, held)
    else byClient.delete(clientId)
  }

  /** Nobody may hold more than is left for all others: slow bodies of a few clients keep no frame of another out. */
  function fits(clientId: number, bytes: number): boolean {
    return (byClient.get(clientId) ?? 0) + bytes <= bytesMax - bytesInAll - bytes
  }

  return (clientId) => {
    let reserved = 0
    return {
      reserve(bytes) {
        if ((byClient.get(clientId) ?? 0) + bytes > clientBytesMax) {
          return new AppError('too_many_requests', { retryAfterSeconds })
        }
        if (!fits(clientId, bytes)) return new AppError('overloaded', { retryAfterSeconds })
        add(clientId, bytes)
        reserved += bytes
        return null
      },
      release() {
        add(clientId, -reserved)
        reserved = 0
      },
    }
  }
}
