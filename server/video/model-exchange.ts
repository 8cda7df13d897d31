// One request to a model's API and its answer, within bounds: no redirects, a limited size, a reason when it is refused.
import { Agent, fetch, type RequestInit } from 'undici'
import type { Secret } from '../lib/secret.ts'
import type { Frame } from './video-types.ts'

export type ModelTokens = { tokensIn: number; tokensOut: number; tokensCached: number }

export type ModelQuestion = { model: string; prompt: string; frames: readonly Frame[]; signal: AbortSignal }

/** `text` is what the model wrote; null: it was kept from writing (`blockedBy` says why). */
export type ModelReply = { text: string | null; blockedBy: string | null; tokens: ModelTokens | null }

/** Asks a model once. Throws ModelRefusal for an answer that is an error, and what the network throws. */
export type AskModel = (question: ModelQuestion) => Promise<ModelReply>

export type ModelAccess = { baseUrl: string; key: Secret; send: SendToModel }

/** The API answered with an error. `reason` is short, from the API, and without the key. */
export class ModelRefusal extends Error {
  override readonly name = 'ModelRefusal'
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | null

  constructor(status: number, reason: string, retryAfterMs: number | null) {
    super(`the model's API answered ${status}: ${reason}`)
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** Answers the body of a good answer; throws ModelRefusal for any other. */
export type SendToModel = (url: string, init: RequestInit, key: Secret) => Promise<string>

const answerBytesMax = 2 * 1024 * 1024
const reasonMax = 160

export function createModelSender(connectTimeoutMs: number): { send: SendToModel; close(): Promise<void> } {
  const dispatcher = new Agent({ connect: { timeout: connectTimeoutMs }, maxResponseSize: answerBytesMax })
  return {
    async send(url, init, key) {
      const answer = await fetch(url, { ...init, redirect: 'manual', dispatcher })
      const text = await answer.text()
      if (answer.ok) return text
      const retryAfter = answer.headers.get('retry-after')
      throw new ModelRefusal(answer.status, readReason(text, key), readRetryAfter(retryAfter))
    },
    close: () => dispatcher.destroy(),
  }
}

/** Seconds only; a date is left to the caller's own pause. */
function readRetryAfter(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null
}

function readReason(text: string, key: Secret): string {
  let reason: unknown
  try {
    const parsed = JSON.parse(text)
    const { error } = Array.isArray(parsed) ? parsed[0] : parsed
    reason = error?.message
  } catch {
    reason = null
  }
  if (typeof reason !== 'string' || reason.includes(key.reveal())) return 'no reason given'
  return reason.split('\n', 1)[0]?.slice(0, reasonMax) ?? ''
}
