// How much memory the bodies of one client, and of all, may take until their pictures are kept.
import { AppError } from '@sallyport/contract'
import { SharedRoom } from '../lib/shared-room.ts'

export type BodyLoadLimits = { bytesMax: number; clientBytesMax: number }

/** Room of one body; given back once. */
export type BodyRoom = {
  /** Null: there is room for so many bytes more. */
  reserve(bytes: number): AppError | null
  release(): void
}

const retryAfterSeconds = 1

export function createBodyLoad({ bytesMax, clientBytesMax }: BodyLoadLimits): (clientId: number) => BodyRoom {
  const room = new SharedRoom<number>({ bytesMax, holderBytesMax: clientBytesMax })

  return (clientId) => {
    let reserved = 0
    return {
      reserve(bytes) {
        const lack = room.take(clientId, bytes)
        if (lack === null) {
          reserved += bytes
          return null
        }
        return new AppError(lack === 'for holder' ? 'too_many_requests' : 'overloaded', { retryAfterSeconds })
      },
      release() {
        room.giveBack(clientId, reserved)
        reserved = 0
      },
    }
  }
}
