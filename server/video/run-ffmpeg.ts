// Runs ffmpeg once: no shell, what it reads comes through its standard input, and it ends by its deadline.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type FfmpegRun = {
  path: string
  args: readonly string[]
  /** Written to standard input as fast as it is read. */
  input: Iterable<Buffer>
  /** Ends the program, by force. */
  signal: AbortSignal
}

export class FfmpegError extends Error {
  /** The program is not on this machine. */
  readonly isMissing: boolean

  constructor(message: string, options: { isMissing?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'FfmpegError'
    this.isMissing = options.isMissing ?? false
  }
}

const complaintBytesMax = 4096

/** Nothing of our environment but where programs and fonts are found: it holds secrets. */
function environment(): Record<string, string> {
  const { PATH = '', HOME = '/' } = process.env
  return { PATH, HOME, LC_ALL: 'C' }
}

/** Resolves when it ended well; throws FfmpegError with the end of what it wrote to standard error. */
export async function runFfmpeg({ path, args, input, signal }: FfmpegRun): Promise<void> {
  signal.throwIfAborted()
  const child = spawn(path, args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: environment(),
    signal,
    killSignal: 'SIGKILL',
  })
  let complaint = ''
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintBytesMax)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // A program that ends early closes its input: its exit says why.
  child.stdin.on('error', () => undefined)
  const written = writeAll(child.stdin, input, ended)
  try {
    const [code] = await Promise.all([ended, written])
    if (code !== 0) throw new FfmpegError(`ffmpeg ended with ${code}: ${complaint.trim()}`)
  } catch (error) {
    if (error instanceof FfmpegError) throw error
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const what = isMissing ? `${path} is not on this machine` : 'ffmpeg could not be run to its end'
    throw new FfmpegError(what, { isMissing, cause: signal.aborted ? signal.reason : error })
  }
}

async function writeAll(
  stdin: NodeJS.WritableStream & { destroyed?: boolean },
  input: Iterable<Buffer>,
  ended: Promise<unknown>,
): Promise<void> {
  const over = ended.then(
    () => 'ended' as const,
    () => 'ended' as const,
  )
  for (const piece of input) {
    if (stdin.write(piece)) continue
    const drained = once(stdin, 'drain').then(
      () => 'drained' as const,
      () => 'ended' as const,
    )
    if ((await Promise.race([drained, over])) === 'ended') return
  }
  stdin.end()
}
