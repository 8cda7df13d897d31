// Makes the MP4 of an alert from a snapshot of a camera's frame buffer: what was seen, when it was seen, small enough for a mail.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { type ClipFrame, lengthMs, placeFrames } from './clip-times.ts'
import { type JpegSize, readJpegSize } from './jpeg-size.ts'
import { type PlacedFrame, writeMatroska } from './matroska.ts'
import { FfmpegError, runFfmpeg } from './run-ffmpeg.ts'

export type Clip = { mp4: Buffer; frameCount: number; lengthMs: number }

export type ClipMaker = {
  /** Null: ffmpeg is not there or could not make one; why is in the log. */
  makeClip(frames: readonly ClipFrame[], cameraId: string): Promise<Clip | null>
  /** Ends what is being made. */
  close(): void
}

export type ClipMakerDependencies = {
  config: { ffmpegPath: string }
  clock: Clock
  logger: Pick<Logger, 'warn'>
}

const deadlineMs = 120_000
/** A mail server that takes 20 MB counts the text that base64 makes of it: a third more. */
const clipBytesMax = 14 * 1024 * 1024
const bitsPerSecondMax = 4_000_000
const bitsPerSecondMin = 48_000
/** What the container and an imprecise encoder may add. */
const share = 0.85
const sideMax = 1280
/** A picture larger than 8K is not decoded: it would cost gigabytes. */
const pixelsMax = 7680 * 4320

export function createClipMaker({ config, clock, logger }: ClipMakerDependencies): ClipMaker {
  const closing = new AbortController()
  let isMissingTold = false

  async function encode(order: ClipOrder): Promise<Buffer> {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-clip-'))
    const limit = new AbortController()
    const timer = clock.after(deadlineMs, () => limit.abort(new Error(`not done within ${deadlineMs} ms`)))
    const file = join(folder, 'clip.mp4')
    try {
      const signal = AbortSignal.any([limit.signal, closing.signal])
      const input = writeMatroska(smallestSize(order.frames), order.frames)
      await runFfmpeg({ path: config.ffmpegPath, args: argumentsFor(order, file), input, signal })
      const { size } = await stat(file)
      if (size > clipBytesMax) throw new FfmpegError(`the clip has ${size} bytes, ${clipBytesMax} at most`)
      return await readFile(file)
    } finally {
      timer.cancel()
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** A machine without fonts can draw no time stamp: a clip without one is better than none. */
  async function encodeOrSimplify(order: ClipOrder): Promise<Buffer> {
    try {
      return await encode(order)
    } catch (error) {
      if (!(error instanceof FfmpegError) || error.isMissing || closing.signal.aborted) throw error
      logger.warn('a clip is made once more, smaller and without its time stamp', {
        component: 'video',
        error,
      })
      return await encode({ ...order, stamp: null, bitsPerSecond: Math.ceil(order.bitsPerSecond / 2) })
    }
  }

  function report(error: unknown): void {
    if (error instanceof FfmpegError && error.isMissing) {
      if (!isMissingTold)
        logger.warn('ffmpeg is not there: alerts carry key frames', { component: 'video', error })
      isMissingTold = true
      return
    }
    logger.warn('a clip could not be made: its alert carries key frames', { component: 'video', error })
  }

  return {
    async makeClip(snapshot, cameraId) {
      const { frames, startsAtMs } = placeFrames(snapshot)
      if (frames.length === 0) return null
      const length = lengthMs(frames)
      const order = {
        frames,
        size: chooseSize(frames),
        bitsPerSecond: chooseBitrate(length),
        stamp: stampOf(cameraId, startsAtMs),
      }
      try {
        return { mp4: await encodeOrSimplify(order), frameCount: frames.length, lengthMs: length }
      } catch (error) {
        report(error)
        return null
      }
    },
    close: () => closing.abort(new Error('the gateway is stopping')),
  }
}

type ClipOrder = {
  frames: readonly PlacedFrame[]
  size: JpegSize
  bitsPerSecond: number
  stamp: string | null
}

/** The size that the stream names: the decoder takes a picture much lower than it for half of an interlaced one. */
function smallestSize(frames: readonly PlacedFrame[]): JpegSize {
  return frames.reduce<JpegSize>(
    (smallest, { jpeg }) => {
      const size = readJpegSize(jpeg)
      return size && size.height < smallest.height ? size : smallest
    },
    { width: 65_535, height: 65_535 },
  )
}

/** The size of the newest frame, made to fit and even, as the codec wants it; frames of another size are fitted into it. */
function chooseSize(frames: readonly PlacedFrame[]): JpegSize {
  const newest = frames.at(-1)
  const { width, height } = (newest && readJpegSize(newest.jpeg)) ?? { width: 640, height: 480 }
  const scale = Math.min(1, sideMax / Math.max(width, height))
  const even = (side: number) => Math.max(2, Math.round((side * scale) / 2) * 2)
  return { width: even(width), height: even(height) }
}

export function chooseBitrate(clipLengthMs: number): number {
  const affordable = (clipBytesMax * 8 * share * 1000) / Math.max(clipLengthMs, 1000)
  return Math.round(Math.min(bitsPerSecondMax, Math.max(bitsPerSecondMin, affordable)))
}

/** Text filter that writes camera and time of each frame; the doubled escapes are for its two readers in ffmpeg. */
function stampOf(cameraId: string, startsAtMs: number): string {
  const start = (startsAtMs / 1000).toFixed(3)
  const name = cameraId.replace(/[^A-Za-z0-9_-]/g, '')
  const time = `%{pts\\:gmtime\\:${start}\\:%Y-%m-%d %H\\\\\\:%M\\\\\\:%S}`
  return `drawtext=text='${name}  ${time} UTC':x=8:y=h-th-8:fontsize=max(12\\,h/24):fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=4`
}

function argumentsFor({ size, bitsPerSecond, stamp }: ClipOrder, file: string): string[] {
  const fit = `scale=${size.width}:${size.height}:force_original_aspect_ratio=decrease`
  const fill = `pad=${size.width}:${size.height}:(ow-iw)/2:(oh-ih)/2,setsar=1`
  const filters = [fit, fill, ...(stamp ? [stamp] : []), 'format=yuv420p']
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', 'pipe,file'],
    ...['-max_pixels', String(pixelsMax), '-threads', '2', '-f', 'matroska', '-i', 'pipe:0'],
    ...['-an', '-vf', filters.join(','), '-fps_mode', 'passthrough', '-enc_time_base', '1:1000'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-bf', '0', '-threads', '2'],
    ...['-b:v', String(bitsPerSecond), '-maxrate', String(bitsPerSecond)],
    ...['-bufsize', String(bitsPerSecond * 2), '-movflags', '+faststart', '-f', 'mp4', '-y', file],
  ]
}
