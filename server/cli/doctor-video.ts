// A check of `sallyport doctor`: can clips of alerts be made here.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Config } from '../config/config.ts'
import { type Finding, ok, warning } from './finding.ts'

const run = promisify(execFile)
const deadlineMs = 5_000
const remedy =
  'Install ffmpeg with libx264, for example with "apt-get install ffmpeg", or set FFMPEG_PATH; else alerts carry key frames.'

export async function checkFfmpeg({ ffmpegPath }: Pick<Config, 'ffmpegPath'>): Promise<Finding[]> {
  try {
    const args = ['-hide_banner', '-encoders']
    const { stdout } = await run(ffmpegPath, args, { timeout: deadlineMs, killSignal: 'SIGKILL' })
    if (!stdout.includes('libx264')) return [warning(`${ffmpegPath} cannot make H.264`, remedy)]
    return [ok(`${ffmpegPath} makes the clips of alerts`)]
  } catch {
    return [warning(`${ffmpegPath} cannot be run: alerts carry no clips`, remedy)]
  }
}
