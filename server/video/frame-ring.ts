// The frames of one camera in their order: new ones at the end, the oldest taken from the front at constant cost.
import type { Frame } from './video-types.ts'

/** How many places may stand empty in front before they are given back. */
const emptyMax = 64

export class FrameRing {
  #frames: (Frame | null)[] = []
  #first = 0
  bytes = 0

  get length(): number {
    return this.#frames.length - this.#first
  }

  get oldest(): Frame | null {
    return this.#frames[this.#first] ?? null
  }

  push(frame: Frame): void {
    this.#frames.push(frame)
    this.bytes += frame.jpeg.length
  }

  /** Lets go of the oldest frame and answers its bytes; 0 when there is none. */
  shift(): number {
    const oldest = this.#frames[this.#first]
    if (!oldest) return 0
    this.#frames[this.#first] = null
    this.#first++
    this.bytes -= oldest.jpeg.length
    if (this.#first > emptyMax && this.#first * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first)
      this.#first = 0
    }
    return oldest.jpeg.length
  }

  /** The last `count` at most, oldest first. */
  last(count: number): Frame[] {
    const start = Math.max(this.#first, this.#frames.length - count)
    return this.#frames.slice(start).filter((frame) => frame !== null)
  }
}
