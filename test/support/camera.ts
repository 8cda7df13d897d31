// Cameras for tests and the demo: a real RTSP server, a film, the camera program as its own process, and what a clip holds.
import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { within } from './eventually.ts'
import { repository } from './gateway.ts'
import type { Scope } from './scope.ts'

const run = promisify(execFile)

/** Address of a moving picture, ten a second. */
export async function startRtspCamera(scope: Scope): Promise<string> {
  const script = join(import.meta.dirname, 'rtsp-server.py')
  const child = spawn('/usr/bin/python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  scope.defer(() => child.kill('SIGKILL'))
  const port = await within(
    'the port of the RTSP server',
    new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
  )
  return `rtsp://127.0.0.1:${port}/camera`
}

/** A film of ffmpeg's test card, ten pictures a second. */
export async function makeFilm(scope: Scope, seconds: number): Promise<string> {
  const film = join(await scope.folder(), 'film.mp4')
  const input = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10', '-t', String(seconds)]
  await run('ffmpeg', ['-loglevel', 'error', ...input, '-pix_fmt', 'yuv420p', film])
  return film
}

export type CameraProgram = {
  output(): string
  exited: Promise<number | null>
  signal(name: NodeJS.Signals): void
}

/** `sallyport-camera` with its key in the `.env` of its folder, as its owner would run it. */
export async function startCameraProgram(
  scope: Scope,
  args: readonly string[],
  apiKey: string,
): Promise<CameraProgram> {
  const folder = await scope.folder()
  await writeFile(join(folder, '.env'), `SALLYPORT_API_KEY=${apiKey}\n`, { mode: 0o600 })
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [join(repository, 'agent/sallyport-camera.ts'), ...args], {
    cwd: folder,
    env: { PATH, HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  scope.defer(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return {
    output: () => output,
    exited: new Promise((resolve) => child.once('close', resolve)),
    signal: (name) => child.kill(name),
  }
}

export type ClipFacts = { codec: string; pixelFormat: string; frames: number; lengthMs: number }

/** What ffprobe finds by decoding the clip; throws when there is anything to complain of. */
export async function probeClip(file: string): Promise<ClipFacts> {
  const entries = 'stream=codec_name,pix_fmt,nb_read_frames,duration'
  const args = ['-v', 'error', '-count_frames', '-show_entries', entries, '-of', 'json', file]
  const { stdout, stderr } = await run('ffprobe', args)
  if (stderr) throw new Error(`ffprobe: ${stderr}`)
  const { streams } = JSON.parse(stdout) as { streams: Record<string, string>[] }
  const [stream = {}] = streams
  return {
    codec: stream.codec_name ?? '',
    pixelFormat: stream.pix_fmt ?? '',
    frames: Number(stream.nb_read_frames),
    lengthMs: Math.round(Number(stream.duration) * 1000),
  }
}
