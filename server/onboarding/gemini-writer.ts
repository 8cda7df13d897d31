// One text of Gemini through Google's own SDK: asked with the user's key, streamed as it is written, its usage read.

import type { GenerateContentResponse } from '@google/genai'
import { AppError } from '@sallyport/contract'
import type { Secret } from '../lib/secret.ts'
import { type Fetch, toUpstreamError } from './guarded-fetch.ts'

/** Bounded and never negative; `tokensIn` holds the cached ones too. */
export type ModelTokens = { tokensIn: number; tokensOut: number; tokensCached: number }

export type WriterOrder = {
  key: Secret
  baseUrl: string
  fetch: Fetch
  model: string
  instruction: string
  task: string
  schema: object
  outputTokensMax: number
  /** Each time the model reports; the last report counts. */
  onTokens(tokens: ModelTokens): void
}

/** What a model can report at most; more is a fault of the report. */
const tokensMax = 100_000_000

/**
 * The pieces of the model's text, in order. Throws AppError: `provider_key_refused`, `provider_quota_exceeded`,
 * `generation_failed` for a blocked or cut answer, `upstream_unreachable`, `upstream_timeout`, `upstream_protocol_error`.
 */
export async function* writeByGemini(order: WriterOrder): AsyncGenerator<string> {
  // It takes a moment to load, and few gateways ever need it.
  const { GoogleGenAI } = await import('@google/genai')
  const google = new GoogleGenAI({
    apiKey: order.key.reveal(),
    vertexai: false,
    apiVersion: 'v1beta',
    httpOptions: { baseUrl: order.baseUrl, fetch: order.fetch },
  })
  let isFinished = false
  try {
    const chunks = await google.models.generateContentStream({
      model: order.model,
      contents: order.task,
      config: {
        systemInstruction: order.instruction,
        responseMimeType: 'application/json',
        responseJsonSchema: order.schema,
        maxOutputTokens: order.outputTokensMax,
      },
    })
    for await (const chunk of chunks) {
      const tokens = readTokens(chunk)
      if (tokens) order.onTokens(tokens)
      assertUsable(chunk)
      isFinished ||= chunk.candidates?.[0]?.finishReason !== undefined
      const text = readText(chunk)
      if (text !== '') yield text
    }
  } catch (error) {
    throw toRefusal(error) ?? toUpstreamError(error, 'gemini')
  }
  if (!isFinished) throw new AppError('generation_failed', { message: 'The answer of gemini broke off.' })
}

function readText({ candidates }: GenerateContentResponse): string {
  const parts = candidates?.[0]?.content?.parts ?? []
  return parts
    .filter((part) => part.thought !== true)
    .map((part) => part.text ?? '')
    .join('')
}

function readTokens({ usageMetadata: usage }: GenerateContentResponse): ModelTokens | null {
  if (!usage) return null
  return {
    tokensIn: bounded(usage.promptTokenCount),
    tokensOut: bounded(usage.candidatesTokenCount) + bounded(usage.thoughtsTokenCount),
    tokensCached: bounded(usage.cachedContentTokenCount),
  }
}

function bounded(count: unknown): number {
  return typeof count === 'number' && Number.isFinite(count)
    ? Math.min(tokensMax, Math.max(0, Math.floor(count)))
    : 0
}

/** Whatever is no plain end is no text to hand on. */
function assertUsable({ promptFeedback, candidates }: GenerateContentResponse): void {
  const blocked = promptFeedback?.blockReason
  if (blocked) throw failed(`gemini refused the request: ${word(blocked)}.`)
  const finish = candidates?.[0]?.finishReason
  if (finish === undefined || finish === 'STOP') return
  if (finish === 'MAX_TOKENS') throw failed('The text of gemini was longer than there was room for.')
  throw failed(`gemini stopped writing: ${word(finish)}.`)
}

function failed(message: string): AppError {
  return new AppError('generation_failed', { message })
}

/** A word of the API; anything else is not shown. */
function word(text: string): string {
  return /^[A-Z_]{1,64}$/.test(text) ? text : 'no reason given'
}

/** What Gemini's status says; null when it is not one of the SDK's own errors. Its text is read, never shown. */
function toRefusal(error: unknown): AppError | null {
  if (!(error instanceof Error) || error.name !== 'ApiError' || !('status' in error)) return null
  const status = Number(error.status)
  const { message } = error
  if (status === 401 || status === 403 || /API_KEY_INVALID|API key not valid/i.test(message)) {
    return new AppError('provider_key_refused', { message: 'gemini does not accept the key that you saved.' })
  }
  if (status === 429) {
    const seconds = Number(/"?retryDelay\\?"?:\s*\\?"(\d{1,5})/.exec(message)?.[1] ?? 60)
    return new AppError('provider_quota_exceeded', {
      retryAfterSeconds: Math.max(1, Math.min(3600, seconds)),
    })
  }
  const code = status >= 500 ? 'upstream_unreachable' : 'upstream_protocol_error'
  return new AppError(code, { message: `gemini answered ${status}.`, detail: `gemini answered ${status}` })
}
