// For tests of the camera program: the program itself, films, a gateway that takes everything, and a stand-in for ffmpeg.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { type Received, type Reply, refusal, type Script } from './test-gateway.ts'
import { type Program, startProgram } from './test-program.ts'

const run = promisify(execFile)
export const key = 'sp_canary_key'

export function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-camera-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Two seconds of moving pictures, ten a second. */
export async function makeFilm(t: TestContext): Promise<string> {
  const film = join(openFolder(t), 'film.mp4')
  const input = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10', '-t', '2']
  await run('ffmpeg', ['-loglevel', 'error', ...input, '-pix_fmt', 'yuv420p', film])
  return film
}

/** So many pictures of the test card. */
export async function makePictures(t: TestContext, count: number): Promise<Buffer[]> {
  const folder = openFolder(t)
  const input = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=10', '-frames:v', String(count)]
  await run('ffmpeg', ['-loglevel', 'error', ...input, join(folder, '%04d.jpg')])
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
}

export type Batch = {
  camera_id: string
  frames: { frame_data: string; frame_count: number; timestamp: string }[]
}

export const batchPath = '/api/video/buffer/batch'
export const batchesOf = (received: Received[]) =>
  received.filter(({ path }) => path === batchPath).map(({ body }) => body as Batch)

/** A gateway that takes every frame; `analysis` is what its model says. */
export function takeAll(analysis: object, other: Script = () => refusal(404, 'not_found')): Script {
  let buffered = 0
  return (call: Received): Reply => {
    if (call.path === '/api/health')
      return { status: 200, body: { status: 'ok', timestamp: new Date().toISOString() } }
    if (call.path === batchPath) {
      const { frames } = call.body as Batch
      buffered = Math.min(250, buffered + frames.length)
      return { status: 200, body: { status: 'buffered', frames_added: frames.length, buffer_size: buffered } }
    }
    if (call.path === '/api/video/analyze') return { status: 200, body: analysis }
    if (call.path === '/api/alert') return { status: 202, body: { status: 'queued', alert_id: 'alert-1' } }
    return other(call)
  }
}

export const calm = {
  ...{ analysis: 'A quiet street.', has_security_incident: false, risk_level: 'LOW', incident_type: null },
  ...{ timestamp: '2026-01-01T00:00:00Z', frame_count: 20, confirmed: false },
}
export const burglary = {
  ...{ analysis: 'A man breaks the lock.', has_security_incident: true, risk_level: 'HIGH' },
  ...{ incident_type: 'burglary', timestamp: '2026-01-01T00:00:00Z', frame_count: 20, confirmed: true },
}

export function runProgram(t: TestContext, args: string[], env: Record<string, string> = {}): Program {
  const program = startProgram('sallyport-camera.ts', {
    ...{ args, folder: openFolder(t) },
    env: { SALLYPORT_API_KEY: key, ...env },
  })
  t.after(() => program.child.kill('SIGKILL'))
  return program
}

/** The shortest stream that is cut into pictures. */
const picture = Buffer.from('ffd8ffe00004ffd9ffda0004abcd00ffd9', 'hex')

/** A program in place of ffmpeg that does what the lines of shell say; `cat "$picture"` gives out one picture. */
export function makeFfmpeg(t: TestContext, ...lines: string[]) {
  const folder = openFolder(t)
  const [program, file] = [join(folder, 'ffmpeg'), join(folder, 'picture.jpg')]
  writeFileSync(file, picture)
  const script = ['#!/bin/sh', `cd '${folder}'`, `picture='${file}'`, ...lines, '']
  writeFileSync(program, script.join('\n'), { mode: 0o755 })
  return { env: { FFMPEG_PATH: program }, folder }
}
