// Where pictures come from: what ffmpeg is told for each kind of source, and one run of it.
import { spawn } from 'node:child_process'
import { createJpegSplitter } from './jpeg-splitter.ts'
import { isMotionJpeg } from './motion-jpeg.ts'

export type SourceKind = 'rtsp' | 'http' | 'v4l2' | 'file'

export type SourceSettings = {
  /** `rtsp://…`, `http://…` (MJPEG or any stream), `/dev/video0`, a file. */
  source: string
  framesPerSecond: number
  /** Pictures wider than this are made smaller. */
  widthMax: number
  /** A file is played once; else again and again, as if it were a camera. */
  once: boolean
  ffmpegPath: string
}

export type SourceEnd = {
  /** Zero when the source came to its own end. */
  exitCode: number | null
  /** The last line that ffmpeg wrote of what went wrong; credentials in addresses are left out. */
  complaint: string
  frames: number
}

/** ffmpeg is not on this machine. */
export class FfmpegMissingError extends Error {
  constructor(path: string) {
    super(
      `${path} is not on this machine; install it, for example with "apt-get install ffmpeg" or "brew install ffmpeg"`,
    )
    this.name = 'FfmpegMissingError'
  }
}

const frameBytesMax = 5 * 1024 * 1024
const complaintBytesMax = 4096
const silenceMicros = 15_000_000

export function kindOf(source: string): SourceKind {
  if (/^rtsps?:\/\//i.test(source)) return 'rtsp'
  if (/^https?:\/\//i.test(source)) return 'http'
  return source.startsWith('/dev/') ? 'v4l2' : 'file'
}

/** The source as it may be shown: without user name and password. */
export function maskSource(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, '$1***@')
}

/** Calls `onFrame` for each picture until the source ends or `signal` stops it. Throws FfmpegMissingError. */
export async function runSource(
  settings: SourceSettings,
  onFrame: (jpeg: Buffer) => void,
  signal: AbortSignal,
): Promise<SourceEnd> {
  const { source } = settings
  const isTimeless = kindOf(source) === 'http' && (await isMotionJpeg(source, signal))
  const child = spawn(settings.ffmpegPath, argumentsFor(settings, isTimeless), {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Not ours: it holds the API key.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', LC_ALL: 'C' },
  })
  const stop = () => child.kill('SIGKILL')
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const splitter = createJpegSplitter(frameBytesMax)
  let frames = 0
  child.stdout.on('data', (chunk: Buffer) => {
    for (const jpeg of splitter.push(chunk)) {
      frames += 1
      onFrame(jpeg)
    }
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintBytesMax)
  })
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const lines = complaint.trim().split('\n')
    return { exitCode, complaint: maskSource(lines.at(-1) ?? ''), frames }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new FfmpegMissingError(settings.ffmpegPath)
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function argumentsFor(settings: SourceSettings, isTimeless: boolean): string[] {
  const { framesPerSecond, widthMax } = settings
  const filters = `fps=${framesPerSecond},scale=w='min(${widthMax},iw)':h=-2`
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
    // Else ffmpeg takes such pictures for 25 a second, whatever the camera sends.
    ...(isTimeless ? ['-use_wallclock_as_timestamps', '1'] : []),
    ...inputFor(settings),
    ...['-an', '-sn', '-dn', '-vf', filters, '-pix_fmt', 'yuvj420p'],
    ...['-c:v', 'mjpeg', '-q:v', '4', '-f', 'image2pipe', '-flush_packets', '1', 'pipe:1'],
  ]
}

function inputFor({ source, once, framesPerSecond }: SourceSettings): string[] {
  switch (kindOf(source)) {
    case 'rtsp':
      return ['-rtsp_transport', 'tcp', '-timeout', String(silenceMicros), '-i', source]
    case 'http':
      return ['-rw_timeout', String(silenceMicros), '-i', source]
    case 'v4l2':
      return ['-f', 'v4l2', '-framerate', String(framesPerSecond), '-i', source]
    case 'file':
      // At its own speed. The prefix keeps a name like "concat:…" from being more than a file.
      return ['-re', ...(once ? [] : ['-stream_loop', '-1']), '-i', `file:${source}`]
  }
}
