// Picks the frames that a model is shown: evenly over the buffer, few enough and small enough for one request.
import type { Frame } from './video-types.ts'

const framesMax = 25
/** With base64 and the prompt still below the 20 MB that Gemini takes in one request. */
const bytesMax = 14_000_000

/** In order; the newest is always among them. */
export function sampleFrames(frames: readonly Frame[]): Frame[] {
  let count = Math.min(framesMax, frames.length)
  for (; count > 1; count--) {
    const picked = pickEvenly(frames, count)
    if (picked.reduce((sum, { jpeg }) => sum + jpeg.length, 0) <= bytesMax) return picked
  }
  return frames.slice(-1)
}

/** From the first to the last. */
function pickEvenly(frames: readonly Frame[], count: number): Frame[] {
  const step = (frames.length - 1) / (count - 1)
  return Array.from({ length: count }, (_, index) => frames[Math.round(index * step)]).filter(
    (frame) => frame !== undefined,
  )
}
