// What was seen and not yet sent: bounded in frames and bytes, the oldest out first, because the newest matters to a guard.

export type CapturedFrame = {
  jpeg: Buffer
  /** Milliseconds since 1970, by the gateway's clock. */
  takenAtMs: number
  /** The camera's own number of the frame, from 1. */
  count: number
}

export type FrameQueue = {
  add(frame: CapturedFrame): void
  /** The oldest frames, in order, within both bounds; at least one when there is one. */
  take(limits: { frames: number; bytes: number }): CapturedFrame[]
  /** Puts frames that could not be sent back to the front. */
  giveBack(frames: readonly CapturedFrame[]): void
  size(): number
  /** Frames that had to make room. */
  dropped(): number
}

export function createFrameQueue(bounds: { framesMax: number; bytesMax: number }): FrameQueue {
  let frames: CapturedFrame[] = []
  let bytes = 0
  let dropped = 0

  function makeRoom(): void {
    let surplus = 0
    while (frames.length - surplus > bounds.framesMax || bytes > bounds.bytesMax) {
      bytes -= frames[surplus]?.jpeg.length ?? 0
      surplus += 1
    }
    if (surplus === 0) return
    frames = frames.slice(surplus)
    dropped += surplus
  }

  return {
    add(frame) {
      frames.push(frame)
      bytes += frame.jpeg.length
      makeRoom()
    },
    take(limits) {
      let count = 0
      let taken = 0
      for (const { jpeg } of frames) {
        if (count === limits.frames || (count > 0 && taken + jpeg.length > limits.bytes)) break
        count += 1
        taken += jpeg.length
      }
      bytes -= taken
      return frames.splice(0, count)
    },
    giveBack(unsent) {
      frames = [...unsent, ...frames]
      for (const { jpeg } of unsent) bytes += jpeg.length
      makeRoom()
    },
    size: () => frames.length,
    dropped: () => dropped,
  }
}
