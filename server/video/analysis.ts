// The analysis of a camera: a fast model looks at the short buffer; only what it takes for an incident is shown, longer, to a strong one.
import { type AnalyzeAnswer, AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { createAnalysisLoad } from './analysis-load.ts'
import { askPatiently } from './ask-patiently.ts'
import { createGeminiModel } from './gemini-model.ts'
import type { VideoCaller } from './intake.ts'
import { type AskModel, createModelSender, type ModelTokens } from './model-exchange.ts'
import { createOpenAiModel } from './openai-model.ts'
import { sampleFrames } from './sample-frames.ts'
import { readVerdict, type Verdict, writePrompt } from './verdict.ts'
import { settleVideoSettings, type VideoSettings } from './video-settings.ts'
import type { CameraKey, Frame, FrameBuffers } from './video-types.ts'

/** Tokens that one stage took. The list grows as stages end, also of an analysis that fails. */
export type ModelUse = { provider: string; model: string; tokens: ModelTokens }

export type AnalysisOrder = { caller: VideoCaller; cameraId: string; signal: AbortSignal; used: ModelUse[] }

export type Analysis = {
  /** Throws AppError `no_frames`, `ai_key_missing`, `model_quota`, `model_unavailable`, `provider_key_rejected`, `analysis_failed`, `too_many_requests` or `overloaded`. */
  analyze(order: AnalysisOrder): Promise<AnalyzeAnswer>
  close(): Promise<void>
}

/** Where the analysing provider is, and the operator's key for it. */
export type FindModelAccess = (provider: string) => Promise<{ baseUrl: string; key: Secret | null } | null>

export type AnalysisDependencies = {
  config: Pick<Config, 'video' | 'upstreamConnectTimeoutMs'> & { limits: Pick<Config['limits'], 'video'> }
  frames: Pick<FrameBuffers, 'last' | 'all'>
  findModelAccess: FindModelAccess
  clock: Clock
}

/** What a model is shown: pictures out of so many seconds. */
type View = { frames: readonly Frame[]; seconds: number }
type Stage = View & { number: 1 | 2; model: string; first: Verdict | null }
/** Taken as the analysis begins: when the second model is asked, the buffer holds other frames. */
type Views = { short: View; long: View }

export function createAnalysis({
  config,
  frames: buffers,
  findModelAccess,
  clock,
}: AnalysisDependencies): Analysis {
  const limits = config.limits.video
  const { provider, model_api: modelApi, stage_timeout_ms: timeoutMs } = config.video
  const load = createAnalysisLoad({
    inAll: { analyses: limits.analyses_max, bytes: limits.analysis_bytes_max },
    perClient: { analyses: limits.analyses_per_client_max, bytes: limits.analysis_bytes_per_client_max },
  })
  const sender = createModelSender(config.upstreamConnectTimeoutMs)

  async function openModel(): Promise<AskModel> {
    const access = await findModelAccess(provider)
    if (!access?.key) throw new AppError('ai_key_missing')
    const { baseUrl, key } = access
    const create = modelApi === 'gemini' ? createGeminiModel : createOpenAiModel
    return create({ baseUrl, key, send: sender.send })
  }

  async function runStage(ask: AskModel, stage: Stage, order: AnalysisOrder, settings: VideoSettings) {
    const { number, first, model, frames, seconds } = stage
    const { prompt, language } = settings
    const question = {
      ...{ model, frames, signal: order.signal },
      prompt: writePrompt({ prompt, language, seconds, stage: number, first }),
    }
    const reply = await askPatiently(ask, question, { clock, timeoutMs })
    if (reply.tokens) order.used.push({ provider, model, tokens: reply.tokens })
    if (reply.blockedBy !== null) throw failed(`The model was kept from answering (${tell(reply.blockedBy)})`)
    const verdict = reply.text === null ? null : readVerdict(reply.text)
    if (verdict === null) throw failed('The model gave no usable answer')
    return { verdict, frameCount: frames.length }
  }

  /** No more than models will see: what the buffer lets go meanwhile is not kept in memory by an analysis. */
  function look(camera: CameraKey, settings: VideoSettings): Views {
    const view = (frames: readonly Frame[]) => ({
      frames: sampleFrames(frames),
      seconds: Math.max(1, Math.round(frames.length / settings.analysisFps)),
    })
    return { short: view(buffers.last(camera, settings.shortFrames)), long: view(buffers.all(camera)) }
  }

  async function runStages(
    order: AnalysisOrder,
    settings: VideoSettings,
    { short, long }: Views,
  ): Promise<AnalyzeAnswer> {
    const ask = await openModel()
    const stage = { ...short, number: 1 as const, model: settings.fastModel, first: null }
    const first = await runStage(ask, stage, order, settings)
    const timestamp = new Date(clock.now()).toISOString()
    if (!first.verdict.incident_detected) return toAnswer(first, { timestamp, confirmed: false })
    const again = { ...long, number: 2 as const, model: settings.strongModel, first: first.verdict }
    const second = await runStage(ask, again, order, settings)
    if (second.verdict.incident_detected) return toAnswer(second, { timestamp, confirmed: true })
    const reason =
      second.verdict.analysis || second.verdict.description || 'The second model saw no incident.'
    return { ...toAnswer(second, { timestamp, confirmed: false }), veto_reason: reason }
  }

  return {
    async analyze(order) {
      const { clientId, settings: own } = order.caller
      const settings = settleVideoSettings(config.video, own)
      const views = look({ clientId, cameraId: order.cameraId }, settings)
      if (views.short.frames.length === 0) throw new AppError('no_frames')
      const bytes = bytesOf(views.short) + bytesOf(views.long)
      const refusal = load.enter(clientId, bytes)
      if (refusal) throw refusal
      try {
        return await runStages(order, settings, views)
      } finally {
        load.leave(clientId, bytes)
      }
    },
    close: sender.close,
  }
}

function bytesOf({ frames }: View): number {
  return frames.reduce((sum, { jpeg }) => sum + jpeg.length, 0)
}

function toAnswer(
  { verdict, frameCount }: { verdict: Verdict; frameCount: number },
  { timestamp, confirmed }: { timestamp: string; confirmed: boolean },
): AnalyzeAnswer {
  return {
    analysis: verdict.analysis || verdict.description,
    has_security_incident: verdict.incident_detected,
    risk_level: verdict.risk_level,
    incident_type: verdict.incident_detected ? verdict.incident_type || null : null,
    timestamp,
    frame_count: frameCount,
    confirmed,
  }
}

function failed(problem: string): AppError {
  return new AppError('analysis_failed', { message: `${problem}: this says nothing about an incident.` })
}

/** A word of the API, not a text that a picture may have put there. */
function tell(word: string): string {
  return /^[A-Za-z_]{1,40}$/.test(word) ? word : 'no reason given'
}
