// The fetch that model SDKs are given: a deadline for the whole exchange, no redirects, a bounded answer, and one signal to end it.
import { AppError } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export type FetchLimits = {
  clock: Clock
  deadlineMs: number
  answerBytesMax: number
  /** Ends the exchange when the caller is gone. */
  signal: AbortSignal
}

export class UpstreamDeadlineError extends Error {
  constructor() {
    super('the deadline passed')
    this.name = 'UpstreamDeadlineError'
  }
}
export class OversizeAnswerError extends Error {
  constructor() {
    super('the answer is larger than its limit')
    this.name = 'OversizeAnswerError'
  }
}

/** A redirect is an error: it could carry the key to another host. */
export function guardedFetch(limits: FetchLimits): Fetch {
  const { clock, deadlineMs, answerBytesMax, signal } = limits
  return async (input, init = {}) => {
    const deadline = new AbortController()
    const timer = clock.after(deadlineMs, () => deadline.abort(new UpstreamDeadlineError()))
    const signals = [signal, deadline.signal, ...(init.signal ? [init.signal] : [])]
    try {
      const answer = await fetch(input, { ...init, redirect: 'error', signal: AbortSignal.any(signals) })
      if (!answer.body) {
        timer.cancel()
        return answer
      }
      const body = answer.body.pipeThrough(limitBytes(answerBytesMax, () => timer.cancel()))
      return new Response(body, { status: answer.status, headers: plainHeaders(answer.headers) })
    } catch (error) {
      timer.cancel()
      throw error
    }
  }
}

/** The body was decoded already. */
function plainHeaders(headers: Headers): Headers {
  const plain = new Headers(headers)
  for (const name of ['content-encoding', 'content-length', 'set-cookie']) plain.delete(name)
  return plain
}

function limitBytes(bytesMax: number, onEnd: () => void): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= bytesMax) return controller.enqueue(chunk)
      onEnd()
      controller.error(new OversizeAnswerError())
    },
    flush: onEnd,
  })
}

/** Why an exchange with `provider` failed, when its failure is not one that the provider put into words. */
export function toUpstreamError(error: unknown, provider: string): AppError {
  if (error instanceof AppError) return error
  const causes = causesOf(error)
  if (causes.some((each) => each instanceof UpstreamDeadlineError || isTimeout(each))) {
    return new AppError('upstream_timeout', { message: `${provider} did not answer in time.`, cause: error })
  }
  if (causes.some((each) => each instanceof OversizeAnswerError || each instanceof SyntaxError)) {
    return new AppError('upstream_protocol_error', {
      message: `${provider} gave an unreadable answer.`,
      cause: error,
    })
  }
  if (causes.some((each) => each instanceof Error && /redirect/i.test(each.message))) {
    return new AppError('upstream_protocol_error', {
      message: `${provider} answered with a redirect, which is not followed.`,
    })
  }
  // Without the cause: the text of an SDK's error may quote what was sent.
  return new AppError('upstream_unreachable', {
    message: `${provider} could not be reached.`,
    detail: `${provider}: ${causes.map(nameOf).join(' <- ')}`,
  })
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let each = error; each !== undefined && each !== null && causes.length < 5; ) {
    causes.push(each)
    each = each instanceof Error ? each.cause : null
  }
  return causes
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /TIMEOUT|ETIMEDOUT/.test(String(error.code))
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name
}
