// One camera at work: pictures come in, go out in batches, are looked at, and a hit becomes an alert; outages are waited out.
import type { CameraGateway } from './camera-gateway.ts'
import { createCameraPrices } from './camera-prices.ts'
import { createFrameClock } from './frame-clock.ts'
import { createFrameQueue } from './frame-queue.ts'
import { pause } from './pause.ts'
import { SallyportError } from './request.ts'
import { runSource, type SourceSettings } from './video-source.ts'
import type { AnalyzeAnswer } from './wire.ts'

export type CameraSessionOptions = {
  source: SourceSettings
  gateway: CameraGateway
  /** Null: frames are only sent. */
  analysisSeconds: number | null
  raisesAlerts: boolean
  onEvent(text: string): void
  onTrouble(text: string): void
}

export type CameraProgress = {
  captured: number
  sent: number
  batches: number
  /** Frames that made room for newer ones while the gateway could not keep up. */
  dropped: number
  /** Frames that the gateway did not take. */
  refused: number
  waiting: number
  bufferSize: number
  analyses: number
  failedAnalyses: number
  incidents: number
  alerts: number
  costMicros: number
  /** Null until it can be told. */
  costMicrosPerHour: number | null
}

/** The gateway does not accept this key, or not for cameras: trying again cannot help. */
export class CameraRefusedError extends Error {
  constructor(cause: SallyportError) {
    super(`the gateway refused the API key: ${cause.message} (${cause.code})`, { cause })
    this.name = 'CameraRefusedError'
  }
}

/** Nothing could be read from the source. */
export class SourceUnreadableError extends Error {}

const batchPeriodMs = 1000
const batchBytesMax = 12 * 1024 * 1024
const queueSeconds = 10
const queueBytesMax = 64 * 1024 * 1024
const retryFirstMs = 1000
const retryLongestMs = 60_000
const attemptsAtEndMax = 5
const learnPeriodMs = 60_000

export type CameraSession = ReturnType<typeof createCameraSession>

export function createCameraSession(options: CameraSessionOptions) {
  const { source, gateway, onEvent, onTrouble } = options
  const fps = source.framesPerSecond
  const queue = createFrameQueue({ framesMax: Math.ceil(fps * queueSeconds), bytesMax: queueBytesMax })
  const prices = createCameraPrices()
  const counts = { captured: 0, sent: 0, batches: 0, refused: 0, bufferSize: 0 }
  const found = { analyses: 0, failedAnalyses: 0, incidents: 0, alerts: 0, alertCalls: 0 }
  const startedAt = Date.now()
  let clockAheadMs = 0
  let isCapturing = true
  let framesSinceAnalysis = 0
  let droppedTold = 0
  /** An incident whose alert the gateway has not taken yet. */
  let untold: AnalyzeAnswer | null = null

  async function capture(signal: AbortSignal): Promise<void> {
    const frameClock = createFrameClock(fps, () => Date.now() + clockAheadMs)
    const onFrame = (jpeg: Buffer) => {
      counts.captured += 1
      queue.add({ jpeg, takenAtMs: frameClock.next(), count: counts.captured })
    }
    for (let retryMs = retryFirstMs; !signal.aborted; retryMs = Math.min(retryMs * 2, retryLongestMs)) {
      const end = await runSource(source, onFrame, signal)
      if (signal.aborted) return
      if (source.once) {
        if (end.frames === 0) throw new SourceUnreadableError(end.complaint || 'the file holds no picture')
        if (end.exitCode !== 0) onTrouble(`the file broke off: ${end.complaint}`)
        return
      }
      if (end.frames > fps * 10) retryMs = retryFirstMs
      onTrouble(`the source ended: ${end.complaint || 'no reason given'}; next try in ${inSeconds(retryMs)}`)
      await pause(retryMs, signal)
    }
  }

  async function sendAll(signal: AbortSignal): Promise<void> {
    let retryMs = retryFirstMs
    let failures = 0
    while (!signal.aborted) {
      const begunAt = Date.now()
      tellDropped()
      const batch = queue.take({ frames: Math.max(1, Math.ceil(fps * 2)), bytes: batchBytesMax })
      if (batch.length === 0 && !isCapturing) return
      try {
        if (batch.length > 0) await send(batch)
        retryMs = retryFirstMs
        failures = 0
        if (isCapturing) await pause(batchPeriodMs - (Date.now() - begunAt), signal)
      } catch (error) {
        if (signal.aborted) return
        if (isFinal(error)) throw new CameraRefusedError(error)
        if (isWrong(error)) {
          counts.refused += batch.length
          onTrouble(`${batch.length} frames were refused: ${describe(error)}`)
          await measureClock()
          continue
        }
        queue.giveBack(batch)
        failures += 1
        if (!isCapturing && failures === attemptsAtEndMax) throw error
        const waitMs = Math.max(retryMs, retryAfterOf(error))
        onTrouble(`${describe(error)}; next try in ${inSeconds(waitMs)}, ${queue.size()} frames wait`)
        retryMs = Math.min(retryMs * 2, retryLongestMs)
        await pause(waitMs, signal)
      }
    }
  }

  async function send(batch: ReturnType<typeof queue.take>): Promise<void> {
    const answer = await gateway.sendFrames(batch)
    counts.batches += 1
    counts.sent += answer.frames_added
    counts.bufferSize = answer.buffer_size
    framesSinceAnalysis += answer.frames_added
  }

  function tellDropped(): void {
    const news = queue.dropped() - droppedTold
    if (news === 0) return
    droppedTold += news
    onTrouble(
      `${news} frames were dropped, the oldest first: the gateway does not keep up with ${fps} a second`,
    )
  }

  async function analyzeAll(signal: AbortSignal, periodMs: number): Promise<void> {
    while (!signal.aborted) {
      await pause(periodMs, signal)
      // At the end the last look is taken when everything has been sent.
      if (signal.aborted || !isCapturing) return
      await tell(signal)
      if (framesSinceAnalysis > 0) await analyze(signal)
    }
  }

  async function analyze(signal: AbortSignal): Promise<void> {
    framesSinceAnalysis = 0
    try {
      const finding = await gateway.analyze()
      found.analyses += 1
      if (!finding.has_security_incident || !finding.confirmed) return
      found.incidents += 1
      onEvent(
        `incident, ${finding.risk_level} ${finding.incident_type ?? ''}: ${firstLine(finding.analysis)}`,
      )
      if (options.raisesAlerts) untold = finding
    } catch (error) {
      if (signal.aborted) return
      found.failedAnalyses += 1
      onTrouble(`not analysed: ${describe(error)}`)
      await pause(retryAfterOf(error), signal)
    }
    await tell(signal)
  }

  /** Raises the alert of the last incident; where the gateway cannot take it now, it is kept for the next time. */
  async function tell(signal: AbortSignal): Promise<void> {
    const finding = untold
    if (finding === null) return
    untold = null
    try {
      const alert = await gateway.alert(finding)
      found.alertCalls += 1
      if (!alert.suppressed) found.alerts += 1
      onEvent(
        `alert ${alert.alert_id} ${alert.suppressed ? 'belongs to the one before: no further mail' : 'is on its way'}`,
      )
    } catch (error) {
      if (signal.aborted) return
      const isHopeless = isFinal(error) || isWrong(error)
      onTrouble(`an incident was not told${isHopeless ? '' : ' yet'}: ${describe(error)}`)
      if (isHopeless) return
      untold ??= finding
      await pause(Math.max(retryFirstMs, retryAfterOf(error)), signal)
    }
  }

  async function measureClock(): Promise<void> {
    try {
      clockAheadMs = await gateway.measureClock()
    } catch (error) {
      if (isFinal(error)) throw new CameraRefusedError(error)
      onTrouble(describe(error))
    }
  }

  /** A key without the scope for usage shows list prices. */
  async function learnPrices(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && isCapturing) {
      await pause(learnPeriodMs, signal)
      if (signal.aborted) return
      await gateway.usageSince(new Date(startedAt + clockAheadMs)).then(prices.learn, () => undefined)
    }
  }

  return {
    /** Resolves when `stop` aborts, or when a file that is played once is through. Throws CameraRefusedError, SourceUnreadableError, FfmpegMissingError. */
    async run(stop: AbortSignal): Promise<void> {
      const failing = new AbortController()
      const signal = AbortSignal.any([stop, failing.signal])
      await measureClock()
      const analyzing =
        options.analysisSeconds === null ? null : analyzeAll(signal, options.analysisSeconds * 1000)
      void learnPrices(signal)
      const capturing = capture(signal).finally(() => {
        isCapturing = false
      })
      try {
        await Promise.all([capturing, sendAll(signal)])
        if (analyzing && !signal.aborted && framesSinceAnalysis > 0) await analyze(signal)
        for (let attempt = 1; untold && !signal.aborted && attempt < attemptsAtEndMax; attempt += 1)
          await tell(signal)
      } finally {
        failing.abort()
        await Promise.allSettled([capturing, analyzing])
      }
    },
    progress(): CameraProgress {
      const { alertCalls, ...seen } = found
      const costMicros = prices.costOf({
        batches: counts.batches,
        analyses: found.analyses,
        alerts: alertCalls,
      })
      const hours = (Date.now() - startedAt) / 3_600_000
      const isTold = hours > 10 / 3600
      return {
        ...{ ...counts, ...seen, costMicros, waiting: queue.size(), dropped: queue.dropped() },
        costMicrosPerHour: isTold ? costMicros / hours : null,
      }
    },
  }
}

/** The key is not good, or not for this. */
function isFinal(error: unknown): error is SallyportError {
  return error instanceof SallyportError && (error.status === 401 || error.status === 403)
}

/** These frames will not be taken later either. */
function isWrong(error: unknown): boolean {
  return error instanceof SallyportError && (error.status === 400 || error.status === 413)
}

function retryAfterOf(error: unknown): number {
  if (!(error instanceof SallyportError)) return 0
  if (error.status === 402) return retryLongestMs
  return (error.retryAfterSeconds ?? 0) * 1000
}

function describe(error: unknown): string {
  if (error instanceof SallyportError)
    return `${error.message} (${error.code}${error.requestId ? `, request ${error.requestId}` : ''})`
  return error instanceof Error ? error.message : String(error)
}

function firstLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200)
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
