// One exchange with VAPI: a small JSON request, a small JSON answer, within a deadline, without redirects.
import { AppError } from '@sallyport/contract'
import { Agent, errors, request } from 'undici'
import { assertAllowedHost, checkedLookup } from '../lib/checked-lookup.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'

const deadlineMs = 30_000
const answerBytesMax = 1024 * 1024

/** By `path` at the API with the operator's key, or to the control URL of a call, which must never see that key. */
export type VapiRequest = { body?: object } & (
  | { method: 'POST' | 'PATCH' | 'GET'; path: string; key: Secret }
  | { method: 'POST'; url: string }
)

/** `json` is null when a good answer had no body, or none that is JSON. */
export type VapiAnswer = { status: number; json: unknown }

export type VapiClient = {
  /** Throws AppError `provider_key_rejected`, `upstream_unreachable`, `upstream_timeout` or `upstream_protocol_error`. */
  send(order: VapiRequest): Promise<VapiAnswer>
  close(): Promise<void>
}

export function createVapiClient(dependencies: {
  baseUrl: string
  connectTimeoutMs: number
  clock: Clock
}): VapiClient {
  const { baseUrl, connectTimeoutMs, clock } = dependencies
  const timeouts = { headersTimeout: deadlineMs, bodyTimeout: deadlineMs, maxResponseSize: answerBytesMax }
  const api = new Agent({ ...timeouts, connect: { timeout: connectTimeoutMs } })
  const control = new Agent({ ...timeouts, connect: { timeout: connectTimeoutMs, lookup: checkedLookup } })

  async function exchange(order: VapiRequest, signal: AbortSignal): Promise<VapiAnswer> {
    const key = 'key' in order ? order.key.reveal() : null
    const url = 'url' in order ? order.url : `${baseUrl}${order.path}`
    if ('url' in order) assertAllowedHost(url)
    const answer = await request(url, {
      method: order.method,
      dispatcher: 'url' in order ? control : api,
      signal,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(order.body ? { 'content-type': 'application/json' } : {}),
      },
      ...(order.body ? { body: JSON.stringify(order.body) } : {}),
    })
    const text = await answer.body.text()
    return toAnswer(answer.statusCode, text, key)
  }

  return {
    async send(order) {
      const abort = new AbortController()
      const timer = clock.after(deadlineMs, () => abort.abort(new errors.BodyTimeoutError()))
      try {
        return await exchange(order, abort.signal)
      } catch (error) {
        throw toAppError(error)
      } finally {
        timer.cancel()
      }
    },
    async close() {
      await Promise.all([api.close(), control.close()])
    },
  }
}

function toAnswer(status: number, text: string, key: string | null): VapiAnswer {
  if (status === 401 || status === 403) {
    throw new AppError('provider_key_rejected', { detail: `vapi answered ${status}` })
  }
  if (status >= 300 && status < 400) {
    throw new AppError('upstream_protocol_error', { detail: `vapi answered ${status}: not followed` })
  }
  if (key !== null && text.includes(key)) {
    throw new AppError('upstream_protocol_error', { detail: 'vapi answered with the key itself' })
  }
  const json = parseJson(text)
  if (status < 400 || json !== null) return { status, json }
  return { status, json: { statusCode: status, message: `VAPI answered ${status} without a reason.` } }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  if (
    cause instanceof errors.ConnectTimeoutError ||
    cause instanceof errors.HeadersTimeoutError ||
    cause instanceof errors.BodyTimeoutError
  ) {
    return new AppError('upstream_timeout', { cause })
  }
  if (
    cause instanceof errors.HTTPParserError ||
    cause instanceof errors.HeadersOverflowError ||
    cause instanceof errors.ResponseContentLengthMismatchError ||
    cause instanceof errors.ResponseExceededMaxSizeError
  ) {
    return new AppError('upstream_protocol_error', { cause })
  }
  return new AppError('upstream_unreachable', { cause })
}
