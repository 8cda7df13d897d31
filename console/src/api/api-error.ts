// A failed call of the admin API, as the pages need it: what to say, what to quote, which field to mark.

type ErrorEnvelope = {
  error: { message: string; code: string; request_id: string; details?: readonly string[] }
}

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined
  readonly details: readonly string[]
  readonly retryAfterSeconds: number | undefined

  constructor(options: {
    status: number
    code: string
    message: string
    requestId?: string | undefined
    details?: readonly string[] | undefined
    retryAfterSeconds?: number | undefined
    cause?: unknown
  }) {
    super(options.message, { cause: options.cause })
    this.name = 'ApiError'
    this.status = options.status
    this.code = options.code
    this.requestId = options.requestId
    this.details = options.details ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

function isEnvelope(body: unknown): body is ErrorEnvelope {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false
  const { error } = body
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error
}

/** The error of an answer whose status is not 2xx; something between us and the gateway may have written it. */
export async function readApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  const common = {
    status: response.status,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
  }
  if (!isEnvelope(body)) {
    const requestId = response.headers.get('x-request-id') ?? undefined
    return new ApiError({ ...common, code: 'unreadable_answer', message: response.statusText, requestId })
  }
  const { message, code, request_id: requestId, details } = body.error
  return new ApiError({ ...common, code, message, requestId, details })
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError({ status: 0, code: 'network_error', message: String(error), cause: error })
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
