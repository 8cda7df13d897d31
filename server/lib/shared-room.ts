// Bytes of memory that many share: bounded for each and for all, and never all taken by a few.

export type SharedRoomLimits = { bytesMax: number; holderBytesMax: number }

/** Why there is no room: the holder has its own share, or all of them together have theirs. */
export type NoRoom = 'too_many_requests' | 'overloaded'

/** What one piece of work of a holder takes; given back once. */
export type TakenRoom = {
  /** Null: so many bytes more are held. */
  take(bytes: number): NoRoom | null
  giveBack(): void
}

export class SharedRoom<Holder> {
  readonly #limits: SharedRoomLimits
  /** An entry lives as long as its holder holds anything, so what bounds the things held bounds the map. */
  readonly #byHolder = new Map<Holder, number>()
  #bytesInAll = 0

  constructor(limits: SharedRoomLimits) {
    this.#limits = limits
  }

  open(holder: Holder): TakenRoom {
    let taken = 0
    return {
      take: (bytes) => {
        const lack = this.#findLack(holder, bytes)
        if (lack !== null) return lack
        this.#add(holder, bytes)
        taken += bytes
        return null
      },
      giveBack: () => {
        this.#add(holder, -taken)
        taken = 0
      },
    }
  }

  /** Nobody may hold more than is left for all others: a few who are slow to give back keep nobody out. */
  #findLack(holder: Holder, bytes: number): NoRoom | null {
    const { bytesMax, holderBytesMax } = this.#limits
    const held = (this.#byHolder.get(holder) ?? 0) + bytes
    if (held > holderBytesMax) return 'too_many_requests'
    return held > bytesMax - this.#bytesInAll - bytes ? 'overloaded' : null
  }

  #add(holder: Holder, bytes: number): void {
    const held = (this.#byHolder.get(holder) ?? 0) + bytes
    if (held > 0) this.#byHolder.set(holder, held)
    else this.#byHolder.delete(holder)
    this.#bytesInAll += bytes
  }
}
