// Whether frames continue what a camera sent before: in order, and not from the future.
import { AppError } from '@sallyport/contract'
import type { Frame, NewFrame } from './video-types.ts'

/** How far a camera's clock may be ahead of ours. */
const aheadMsMax = 60_000

/** Where a camera's last frame left off. */
export type LastFrame = { frameCount: number; timestampMs: number; accepted: number }

/**
 * The frames as they will be kept, or why none is. A frame is out of order when its time is before that of the frame
 * before it; when neither says a time, its number decides, and 0 or 1 is the first one of a camera that started again.
 */
export function arrange(
  frames: readonly NewFrame[],
  last: LastFrame | null,
  nowMs: number,
): { kept: Frame[]; last: LastFrame } | AppError {
  const kept: Frame[] = []
  let before = last
  for (const [index, { jpeg, frameCount, timestampMs }] of frames.entries()) {
    const place = frames.length > 1 ? `frames.${index}.` : ''
    if (timestampMs !== null) {
      if (timestampMs > nowMs + aheadMsMax) {
        return refuse(`${place}timestamp: lies in the future; set the clock of the camera`)
      }
      if (before && timestampMs < before.timestampMs) {
        return refuse(`${place}timestamp: is before that of the last frame; send frames in order`)
      }
    } else if (before && frameCount !== null && frameCount > 1 && frameCount < before.frameCount) {
      return refuse(`${place}frame_count: is below that of the last frame; send frames in order`)
    }
    const accepted: number = (before?.accepted ?? 0) + 1
    const frame = {
      jpeg,
      frameCount: frameCount ?? accepted,
      timestampMs: timestampMs ?? Math.max(nowMs, before?.timestampMs ?? 0),
    }
    kept.push(frame)
    before = { frameCount: frame.frameCount, timestampMs: frame.timestampMs, accepted }
  }
  return { kept, last: before ?? { frameCount: 0, timestampMs: 0, accepted: 0 } }
}

function refuse(message: string): AppError {
  return new AppError('malformed_request', { message: `${message}.` })
}
