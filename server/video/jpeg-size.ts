// Reads width and height of a JPEG from its start-of-frame segment (ITU T.81, annex B).

export type JpegSize = { width: number; height: number }

/** Null where there is none before the picture itself begins. */
export function readJpegSize(jpeg: Buffer): JpegSize | null {
  let at = 2
  while (at + 9 <= jpeg.length) {
    if (jpeg[at] !== 0xff) return null
    const marker = jpeg[at + 1] ?? 0
    if (marker === 0xff) {
      // A fill byte.
      at += 1
      continue
    }
    if (isStartOfFrame(marker)) {
      const size = { width: jpeg.readUInt16BE(at + 7), height: jpeg.readUInt16BE(at + 5) }
      return size.width > 0 && size.height > 0 ? size : null
    }
    at += isBare(marker) ? 2 : 2 + jpeg.readUInt16BE(at + 2)
  }
  return null
}

/** C0 to CF without the tables and the reserved one among them. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

/** Markers without a length: restarts, start of image, temporary. */
function isBare(marker: number): boolean {
  return (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01
}
