// Bytes of memory that many share: bounded for each and for all, and never all taken by a few.

export type SharedRoomLimits = { bytesMax: number; holderBytesMax: number }

/** Why there is no room: the holder has its share, or all of them together have theirs. */
export type NoRoom = 'for holder' | 'for all'

export class SharedRoom<Holder> {
  readonly #limits: SharedRoomLimits
  /** An entry lives as long as its holder holds anything, so what bounds the things held bounds the map. */
  readonly #byHolder = new Map<Holder, number>()
  #bytesInAll = 0

  constructor(limits: SharedRoomLimits) {
    this.#limits = limits
  }

  /**
   * Null: `bytes` more are held. Nobody may hold more than is left for all others: a few who are slow to give back keep
   * nobody out.
   */
  take(holder: Holder, bytes: number): NoRoom | null {
    const { bytesMax, holderBytesMax } = this.#limits
    const held = (this.#byHolder.get(holder) ?? 0) + bytes
    if (held > holderBytesMax) return 'for holder'
    const inAll = this.#bytesInAll + bytes
    if (held > bytesMax - inAll) return 'for all'
    this.#byHolder.set(holder, held)
    this.#bytesInAll = inAll
    return null
  }

  giveBack(holder: Holder, bytes: number): void {
    const held = (this.#byHolder.get(holder) ?? 0) - bytes
    if (held > 0) this.#byHolder.set(holder, held)
    else this.#byHolder.delete(holder)
    this.#bytesInAll -= bytes
  }
}
