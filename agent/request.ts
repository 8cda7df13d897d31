// One call of the gateway: JSON out and in, a deadline, and errors that can be told apart.
import type { ErrorAnswer } from './wire.ts'

/** The gateway answered with an error. */
export class SallyportError extends Error {
  readonly status: number
  /** Code of the gateway's catalogue; `http_error` when the answer was not the gateway's own. */
  readonly code: string
  /** Quote it to the operator: it finds the line in the gateway's log. */
  readonly requestId: string | null
  readonly details: readonly string[]
  /** From `Retry-After`; null when there was none. */
  readonly retryAfterSeconds: number | null

  constructor(status: number, error: Partial<ErrorAnswer['error']>, retryAfterSeconds: number | null) {
    super(error.message ?? `the gateway answered ${status}`)
    this.name = 'SallyportError'
    this.status = status
    this.code = error.code ?? 'http_error'
    this.requestId = error.request_id ?? null
    this.details = error.details ?? []
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The gateway could not be reached, or did not answer in time. */
export class SallyportUnreachableError extends Error {
  constructor(url: URL, cause: unknown) {
    super(`${url.origin} cannot be reached`, { cause })
    this.name = 'SallyportUnreachableError'
  }
}

export type CallOptions = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the gateway's address, for example `/device/auth`. */
  path: string
  token?: string
  body?: unknown
  deadlineMs?: number
  signal?: AbortSignal
}

const deadlineMsDefault = 30_000

/** Address of the gateway: a path behind the host is kept, a trailing `/api/` means the same server. */
export function toBaseUrl(text: string): URL {
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError(`${text} is not an http address`)
  url.pathname = url.pathname.replace(/\/(api\/?)?$/, '/')
  return url
}

/**
 * The parsed answer; undefined for an empty one. Redirects are not followed, because they would carry the token along.
 * Throws SallyportError and SallyportUnreachableError.
 */
export async function call<Answer>(baseUrl: URL, options: CallOptions): Promise<Answer> {
  const url = new URL(`.${options.path}`, baseUrl)
  const signals = [
    AbortSignal.timeout(options.deadlineMs ?? deadlineMsDefault),
    ...(options.signal ? [options.signal] : []),
  ]
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method: options.method,
      redirect: 'manual',
      signal: AbortSignal.any(signals),
      headers: {
        accept: 'application/json',
        ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
    text = await response.text()
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new SallyportUnreachableError(url, error)
  }
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as Answer
  throw new SallyportError(response.status, readError(text), readRetryAfter(response))
}

function readError(text: string): Partial<ErrorAnswer['error']> {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorAnswer>
    return error?.type === 'sallyport_error' ? error : {}
  } catch {
    return {}
  }
}

function readRetryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null
}
