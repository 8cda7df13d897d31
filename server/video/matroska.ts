// Writes JPEG frames with their times as a Matroska stream: ffmpeg then knows when each one was taken, without a file of its own.

/** A frame at its place in the clip. */
export type PlacedFrame = { jpeg: Buffer; atMs: number; durationMs: number }

// Ids of the elements, RFC 9559 section 5.1.
const ids = {
  header: 0x1a45dfa3,
  docType: 0x4282,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  codecId: 0x86,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
} as const

/** One millisecond in nanoseconds: the unit of every time in the stream. */
const timestampScale = 1_000_000
/** Track 1, no offset to the cluster's time, no flags. */
const blockHead = Buffer.from([0x81, 0, 0, 0])
const unknownSize = Buffer.from('01ffffffffffffff', 'hex')

/** The bytes of the stream, a piece for its beginning and one for each frame, whose own bytes are not copied. */
export function* writeMatroska(
  size: { width: number; height: number },
  frames: Iterable<PlacedFrame>,
): Generator<Buffer> {
  yield Buffer.concat([
    element(ids.header, text(ids.docType, 'matroska')),
    idOf(ids.segment),
    unknownSize,
    element(
      ids.info,
      number(ids.timestampScale, timestampScale),
      text(ids.muxingApp, 'sallyport'),
      text(ids.writingApp, 'sallyport'),
    ),
    element(ids.tracks, videoTrack(size)),
  ])
  for (const frame of frames) yield* writeFrame(frame)
}

function videoTrack({ width, height }: { width: number; height: number }): Buffer {
  return element(
    ids.trackEntry,
    number(ids.trackNumber, 1),
    number(ids.trackUid, 1),
    number(ids.trackType, 1),
    text(ids.codecId, 'V_MJPEG'),
    element(ids.video, number(ids.pixelWidth, width), number(ids.pixelHeight, height)),
  )
}

/** A cluster of its own, so that frames may lie any time apart. */
function* writeFrame({ jpeg, atMs, durationMs }: PlacedFrame): Generator<Buffer> {
  const time = number(ids.timestamp, atMs)
  const duration = number(ids.blockDuration, durationMs)
  const block = head(ids.block, blockHead.length + jpeg.length)
  const groupBytes = block.length + blockHead.length + jpeg.length + duration.length
  const group = head(ids.blockGroup, groupBytes)
  yield Buffer.concat([
    head(ids.cluster, time.length + group.length + groupBytes),
    time,
    group,
    block,
    blockHead,
  ])
  yield jpeg
  yield duration
}

function element(id: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([head(id, body.length), body])
}

function number(id: number, value: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeBigUInt64BE(BigInt(value))
  return element(id, body)
}

function text(id: number, value: string): Buffer {
  return element(id, Buffer.from(value, 'ascii'))
}

/** Id and size; the size is always written in eight bytes. */
function head(id: number, bodyBytes: number): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(bodyBytes) | (1n << 56n))
  return Buffer.concat([idOf(id), size])
}

function idOf(id: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(id)
  const first = bytes.findIndex((byte) => byte !== 0)
  return bytes.subarray(first)
}
