// Places the frames of a snapshot on the time line of a clip, as they were taken.
import type { PlacedFrame } from './matroska.ts'
import type { Frame } from './video-types.ts'

export type ClipFrame = Pick<Frame, 'jpeg' | 'timestampMs'>

/** After a longer silence the camera was away: what lies before it is not of this incident. */
const gapMsMax = 10_000
const stepMsDefault = 40

/**
 * The last run of frames without a long gap. Frames of one moment (a batch without times of its own) are spread evenly up
 * to the next one; the last frame is shown as long as the one before it.
 */
export function placeFrames(frames: readonly ClipFrame[]): { frames: PlacedFrame[]; startsAtMs: number } {
  const run = frames.slice(findLastRun(frames))
  const first = run[0]
  if (!first) return { frames: [], startsAtMs: 0 }
  const times = spreadTimes(run.map((frame) => frame.timestampMs - first.timestampMs))
  const placed = run.map((frame, index) => {
    const atMs = times[index] ?? 0
    const nextMs = times[index + 1] ?? atMs + lastStep(times)
    return { jpeg: frame.jpeg, atMs, durationMs: nextMs - atMs }
  })
  return { frames: placed, startsAtMs: first.timestampMs }
}

export function lengthMs(frames: readonly PlacedFrame[]): number {
  const last = frames.at(-1)
  return last ? last.atMs + last.durationMs : 0
}

function findLastRun(frames: readonly ClipFrame[]): number {
  for (let index = frames.length - 1; index > 0; index -= 1) {
    const [before, after] = [frames[index - 1], frames[index]]
    if (before && after && after.timestampMs - before.timestampMs > gapMsMax) return index
  }
  return 0
}

/** Strictly rising whole milliseconds: a time that does not rise belongs to the moment before it. */
function spreadTimes(times: readonly number[]): number[] {
  const spread: number[] = []
  let index = 0
  while (index < times.length) {
    const start = Math.max(times[index] ?? 0, (spread.at(-1) ?? -1) + 1)
    let end = index + 1
    while (end < times.length && (times[end] ?? 0) <= start) end += 1
    const count = end - index
    const next = times[end]
    const step = next === undefined ? stepOfTail(spread, start, count) : (next - start) / count
    for (let offset = 0; offset < count; offset += 1) spread.push(Math.round(start + offset * step))
    index = end
  }
  return makeRising(spread)
}

/** Frames of the last moment go on in the pace of those before. */
function stepOfTail(before: readonly number[], start: number, count: number): number {
  return count > 1 && before.length > 0 ? Math.max(1, start / before.length) : stepMsDefault
}

function makeRising(times: number[]): number[] {
  let previous = -1
  return times.map((time) => {
    previous = Math.max(time, previous + 1)
    return previous
  })
}

function lastStep(times: readonly number[]): number {
  const [before, last] = [times.at(-2), times.at(-1)]
  return before === undefined || last === undefined ? stepMsDefault : last - before
}
