// Configuration of the camera program: arguments for what is watched, environment and `.env` for the key.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { kindOf } from './video-source.ts'

export type CameraConfig = {
  source: string
  url: string
  apiKey: string
  cameraId: string
  framesPerSecond: number
  widthMax: number
  once: boolean
  /** Null: nothing is analysed, frames are only sent. */
  analysisSeconds: number | null
  raisesAlerts: boolean
  ffmpegPath: string
}

/** The command line is not understood. */
export class CameraUsageError extends Error {}
/** Something that is needed is missing or wrong; the value of a secret is not repeated. */
export class CameraConfigError extends Error {}

export const usage = `Usage: sallyport-camera --source SOURCE --api-url URL [--camera-id NAME]

  --source SOURCE    rtsp://…, http://… (MJPEG), a video file, or a device such as /dev/video0
  --api-url URL      address of the gateway; https://host/api/ is the same as https://host
                     (SALLYPORT_URL, when not given)
  --camera-id NAME   letters, digits, _ and -; "default" when not given
  --once             play a file once, send it all, print a summary and end
  --fps N            frames a second that are sent, 25
  --width N          wider pictures are made smaller, 1280
  --analyze-every S  seconds between two analyses, 3; 0: only send frames
  --no-alert         print incidents, raise no alert

The API key is read from SALLYPORT_API_KEY (or VIGINT_API_KEY) in the environment or in .env of this folder.
Ctrl+C ends the program.
Exit codes: 0 ended as told, 1 failed, 64 wrong arguments, 66 source cannot be read, 69 ffmpeg is missing,
77 key refused, 78 wrong configuration.`

const options = {
  source: { type: 'string' },
  'api-url': { type: 'string' },
  'camera-id': { type: 'string' },
  once: { type: 'boolean' },
  fps: { type: 'string' },
  width: { type: 'string' },
  'analyze-every': { type: 'string' },
  'no-alert': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/** Null: help was asked for. Throws CameraUsageError and CameraConfigError. */
export function readCameraConfig(
  args: readonly string[],
  { env, folder }: { env: Environment; folder: string },
): CameraConfig | null {
  const given = parseArguments(args)
  if (given.help) return null
  const variables = { ...readDotEnv(folder), ...env }
  const source = given.source ?? variables.CAMERA_SOURCE
  if (!source) throw new CameraUsageError('--source is missing. Example: --source rtsp://192.168.1.20/stream')
  const cameraId = given['camera-id'] ?? 'default'
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(cameraId)) {
    throw new CameraUsageError(
      '--camera-id must be 1 to 64 letters, digits, _ and -. Example: --camera-id door',
    )
  }
  if (given.once && kindOf(source) !== 'file') throw new CameraUsageError('--once is for files only')
  const analysisSeconds = readNumber(given['analyze-every'], {
    name: '--analyze-every',
    least: 0,
    most: 3600,
    standard: 3,
  })
  return {
    ...{
      source,
      cameraId,
      url: readUrl(given['api-url'] ?? variables.SALLYPORT_URL),
      apiKey: readKey(variables),
    },
    framesPerSecond: readNumber(given.fps, { name: '--fps', least: 0.1, most: 60, standard: 25 }),
    widthMax: Math.round(readNumber(given.width, { name: '--width', least: 64, most: 7680, standard: 1280 })),
    once: given.once ?? false,
    analysisSeconds: analysisSeconds === 0 ? null : analysisSeconds,
    raisesAlerts: !given['no-alert'],
    ffmpegPath: variables.FFMPEG_PATH || 'ffmpeg',
  }
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new CameraUsageError(error instanceof Error ? error.message : String(error))
  }
}

function readDotEnv(folder: string): Environment {
  try {
    return parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
  } catch {
    return {}
  }
}

function readUrl(text: string | undefined): string {
  if (!text) {
    throw new CameraConfigError(
      'the address of the gateway is missing: give --api-url or set SALLYPORT_URL. Example: https://gateway.example.com/api/',
    )
  }
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new CameraConfigError(
      `--api-url "${text}" is not an http address. Example: https://gateway.example.com/api/`,
    )
  return text
}

function readKey(variables: Environment): string {
  const key = (variables.SALLYPORT_API_KEY || variables.VIGINT_API_KEY)?.trim()
  if (!key) {
    throw new CameraConfigError(
      'the API key is missing: put SALLYPORT_API_KEY=sp_… into .env of this folder, or into the environment',
    )
  }
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new CameraConfigError('SALLYPORT_API_KEY holds characters that no key has')
  return key
}

function readNumber(
  text: string | undefined,
  { name, least, most, standard }: { name: string; least: number; most: number; standard: number },
): number {
  if (text === undefined) return standard
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new CameraUsageError(
    `${name} must be a number from ${least} to ${most}. Example: ${name} ${standard}`,
  )
}
