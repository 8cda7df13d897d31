// Cuts a stream of JPEG pictures, one after the other, into the pictures; bounded, and able to go on after rubbish.

export type JpegSplitter = {
  /** The pictures that `chunk` completes. */
  push(chunk: Buffer): Buffer[]
  /** Bytes that belonged to no picture, or to one that was too large. */
  lostBytes(): number
}

const marker = { startOfImage: 0xd8, endOfImage: 0xd9, startOfScan: 0xda } as const

export function createJpegSplitter(frameBytesMax: number): JpegSplitter {
  let pending: Buffer = Buffer.alloc(0)
  /** How far `pending` was understood: segments before it are whole. */
  let scanned = 0
  let isInScan = false
  let lost = 0

  function drop(bytes: number): void {
    lost += bytes
    pending = pending.subarray(bytes)
    scanned = 0
    isInScan = false
  }

  /** Drops what stands before the next start of an image. */
  function findStart(): boolean {
    const at = pending.indexOf(Buffer.from([0xff, marker.startOfImage]))
    if (at < 0) {
      // The first half of a start may be the last byte.
      drop(pending.at(-1) === 0xff ? pending.length - 1 : pending.length)
      return false
    }
    if (at > 0) drop(at)
    scanned = 2
    return true
  }

  /** Offset behind the end of the image, or null when more bytes are needed. */
  function findEnd(): number | null {
    while (scanned + 2 <= pending.length) {
      if (isInScan) {
        const end = findMarkerInScan()
        if (end === null) return null
      }
      if (scanned + 2 > pending.length) return null
      const kind = pending[scanned + 1] ?? 0
      if (pending[scanned] !== 0xff || kind === marker.startOfImage) {
        // Not a picture after all: look for the next one behind this start.
        drop(2)
        if (!findStart()) return null
        continue
      }
      if (kind === 0xff) {
        // A fill byte before a marker.
        scanned += 1
        continue
      }
      if (kind === marker.endOfImage) return scanned + 2
      if (scanned + 4 > pending.length) return null
      const length = pending.readUInt16BE(scanned + 2)
      if (scanned + 2 + length > pending.length) return null
      scanned += 2 + length
      isInScan = kind === marker.startOfScan
    }
    return null
  }

  /** In a scan FF is data when 00, a restart or another FF follows; anything else is the next marker. */
  function findMarkerInScan(): number | null {
    let at = scanned
    for (;;) {
      at = pending.indexOf(0xff, at)
      if (at < 0 || at + 1 >= pending.length) {
        scanned = at < 0 ? pending.length : at
        return null
      }
      const next = pending[at + 1] ?? 0
      if (next === 0 || (next >= 0xd0 && next <= 0xd7)) at += 2
      else if (next === 0xff) at += 1
      else {
        scanned = at
        isInScan = false
        return at
      }
    }
  }

  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const frames: Buffer[] = []
      while (pending.length > 0) {
        if (scanned === 0 && !findStart()) break
        const end = findEnd()
        if (end === null) break
        // A copy, so that a small picture does not hold on to a large chunk.
        if (end <= frameBytesMax) frames.push(Buffer.from(pending.subarray(0, end)))
        else lost += end
        pending = pending.subarray(end)
        scanned = 0
        isInScan = false
      }
      if (pending.length > frameBytesMax) drop(pending.length)
      return frames
    },
    lostBytes: () => lost,
  }
}
