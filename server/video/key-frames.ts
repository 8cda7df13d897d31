// The pictures that stand for a clip where none can be made: a few of the buffer, unchanged, small enough for a mail.

const keyFramesMax = 10
const bytesMax = 14 * 1024 * 1024

/** Evenly spread, first and last among them; fewer when they are large. */
export function pickKeyFrames<Frame extends { readonly jpeg: Buffer }>(frames: readonly Frame[]): Frame[] {
  for (let count = Math.min(keyFramesMax, frames.length); count > 0; count -= 1) {
    const picked = pickEvenly(frames, count)
    if (picked.reduce((sum, { jpeg }) => sum + jpeg.length, 0) <= bytesMax) return picked
  }
  return []
}

function pickEvenly<Item>(items: readonly Item[], count: number): Item[] {
  const last = items.length - 1
  const indexes = Array.from({ length: count }, (_, index) =>
    count === 1 ? last : Math.round((index * last) / (count - 1)),
  )
  return indexes.flatMap((index) => items[index] ?? [])
}
