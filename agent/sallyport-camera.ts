#!/usr/bin/env node
// `sallyport-camera`: shows the gateway what a camera or a file shows, has it analysed, and raises alerts, until Ctrl+C.
import {
  type CameraConfig,
  CameraConfigError,
  CameraUsageError,
  readCameraConfig,
  usage,
} from './camera-config.ts'
import { createCameraGateway } from './camera-gateway.ts'
import { formatEuros } from './camera-prices.ts'
import {
  type CameraProgress,
  CameraRefusedError,
  createCameraSession,
  SourceUnreadableError,
} from './camera-session.ts'
import { FfmpegMissingError, maskSource } from './video-source.ts'

const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 64,
  noInput: 66,
  unavailable: 69,
  refused: 77,
  configuration: 78,
}
const showPeriodMs = process.stdout.isTTY ? 1000 : 10_000

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const config = readCameraConfig(process.argv.slice(2), { env: process.env, folder: process.cwd() })
    if (config === null) {
      console.log(usage)
      return exitCodes.ok
    }
    return await watch(config)
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error))
    if (error instanceof CameraUsageError) console.error(`\n${usage}`)
    return exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CameraUsageError) return exitCodes.usage
  if (error instanceof CameraConfigError) return exitCodes.configuration
  if (error instanceof SourceUnreadableError) return exitCodes.noInput
  if (error instanceof FfmpegMissingError) return exitCodes.unavailable
  return error instanceof CameraRefusedError ? exitCodes.refused : exitCodes.failure
}

async function watch(config: CameraConfig): Promise<number> {
  const stop = untilStopped()
  const { url, apiKey, cameraId } = config
  const session = createCameraSession({
    ...{ source: config, analysisSeconds: config.analysisSeconds, raisesAlerts: config.raisesAlerts },
    gateway: createCameraGateway({ url, apiKey, cameraId, signal: stop }),
    onEvent: say,
    onTrouble: complain,
  })
  say(`camera "${cameraId}" shows ${maskSource(config.source)} to ${new URL(url).origin}; Ctrl+C ends it`)
  const showing = setInterval(() => show(session.progress()), showPeriodMs)
  try {
    await session.run(stop)
  } finally {
    clearInterval(showing)
    clearLine()
    say(summarize(session.progress()))
  }
  return exitCodes.ok
}

function untilStopped(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // A second one ends the program the hard way.
    process.once(name, () => stop.abort(new Error('stopped')))
  }
  return stop.signal
}

function show(progress: CameraProgress): void {
  if (process.stdout.isTTY) return void process.stdout.write(`\r\x1b[K${lineOf(progress)}`)
  say(lineOf(progress))
}

function lineOf(progress: CameraProgress): string {
  const { costMicrosPerHour: hourly, dropped, refused, failedAnalyses } = progress
  return [
    `${progress.sent} frames sent`,
    `${progress.bufferSize} buffered`,
    ...(progress.waiting > 0 ? [`${progress.waiting} waiting`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    `${progress.analyses} analyses${failedAnalyses > 0 ? ` (${failedAnalyses} failed)` : ''}`,
    `${progress.incidents} incidents`,
    `${progress.alerts} alerts`,
    `${formatEuros(progress.costMicros)} so far`,
    ...(hourly === null ? [] : [`${formatEuros(hourly)} an hour`]),
  ].join(', ')
}

function summarize(progress: CameraProgress): string {
  return `ended: ${progress.captured} frames seen, ${lineOf(progress)}`
}

function clearLine(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
}

function say(text: string): void {
  clearLine()
  console.log(`${new Date().toISOString()} ${text}`)
}

function complain(text: string): void {
  clearLine()
  console.error(`sallyport-camera: ${text}`)
}
