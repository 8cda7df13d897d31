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
    const body = room.open(clientId)
    return {
      reserve(bytes) {
        const lack = body.take(bytes)
        return lack && new AppError(lack, { retryAfterSeconds })
      },
      release: body.giveBack,
    }
  }
}
