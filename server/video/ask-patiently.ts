// Asks a model until it answers, its time is over, or the caller left; what went wrong becomes one of our refusals.
import { AppError } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { type AskModel, type ModelQuestion, ModelRefusal, type ModelReply } from './model-exchange.ts'

export type PatienceOptions = { clock: Clock; timeoutMs: number }

const pauseMsFirst = 500
const pauseMsLeast = 100
const pauseMsMax = 8000
/** Beyond that the caller should come again rather than wait. */
const retryAfterSecondsMax = 3600

/** Throws AppError `model_quota`, `model_unavailable`, `provider_key_rejected` or `analysis_failed`. */
export async function askPatiently(
  ask: AskModel,
  question: ModelQuestion,
  { clock, timeoutMs }: PatienceOptions,
): Promise<ModelReply> {
  const limit = new AbortController()
  const timer = clock.after(timeoutMs, () => limit.abort(new Error('the model took too long')))
  const signal = AbortSignal.any([question.signal, limit.signal])
  const endMs = clock.monotonicMs() + timeoutMs
  try {
    for (let pauseMs = pauseMsFirst; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      try {
        return await ask({ ...question, signal })
      } catch (error) {
        if (signal.aborted || !(error instanceof ModelRefusal) || !isPassing(error)) throw error
        const waitMs = Math.max(pauseMsLeast, error.retryAfterMs ?? pauseMs)
        if (clock.monotonicMs() + waitMs >= endMs) throw error
        await pause(clock, waitMs, signal)
      }
    }
  } catch (error) {
    throw toAppError(error, limit.signal.aborted)
  } finally {
    timer.cancel()
  }
}

function isPassing({ status }: ModelRefusal): boolean {
  return status === 429 || status === 503
}

function pause(clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.after(waitMs, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}

function toAppError(error: unknown, isLate: boolean): AppError {
  if (error instanceof ModelRefusal) return toRefusal(error)
  const problem = isLate ? 'The model did not answer in time' : 'The model could not be asked'
  return new AppError('analysis_failed', {
    message: `${problem}: this says nothing about an incident.`,
    cause: error,
  })
}

function toRefusal(refusal: ModelRefusal): AppError {
  const { status, reason, retryAfterMs } = refusal
  const retryAfterSeconds = Math.min(retryAfterSecondsMax, Math.ceil((retryAfterMs ?? 10_000) / 1000))
  if (status === 429) {
    return new AppError('model_quota', {
      message: `The quota of the analysing model is used up (${reason}): this says nothing about an incident.`,
      ...{ retryAfterSeconds, cause: refusal },
    })
  }
  if (status === 503) {
    return new AppError('model_unavailable', {
      message: `The analysing model is not available (${reason}): this says nothing about an incident.`,
      ...{ retryAfterSeconds, cause: refusal },
    })
  }
  if (status === 401 || status === 403) return new AppError('provider_key_rejected', { cause: refusal })
  return new AppError('analysis_failed', {
    message: `The analysing model answered ${status}: this says nothing about an incident.`,
    cause: refusal,
  })
}
