// Gives frames their times: evenly, as the camera took them, though they come in bursts; and never ahead of the clock.

export type FrameClock = { next(): number }

/**
 * The row begins so far behind now, because a stream begins with a burst: what ffmpeg looked at before it gave anything out.
 * Where it falls further behind than `lagMsMax` it is begun anew.
 */
const lagMs = 2_500
const lagMsMax = 6_000
const nearMs = 300
/** A row that has come too near to now falls back a little with each frame. */
const slowing = 0.98

/** `now` is the gateway's time, milliseconds since 1970. */
export function createFrameClock(framesPerSecond: number, now: () => number): FrameClock {
  const stepMs = 1000 / framesPerSecond
  let previous = Number.NEGATIVE_INFINITY
  let planned = Number.NEGATIVE_INFINITY
  return {
    next() {
      const current = now()
      planned += current - planned < nearMs ? stepMs * slowing : stepMs
      if (planned < current - lagMsMax) planned = current - lagMs
      planned = Math.min(planned, current)
      previous = Math.max(Math.round(planned), previous)
      return previous
    },
  }
}
