// What went wrong on the way to the upstream, in the words of the error catalogue.
import { AppError, type ErrorCode } from '@sallyport/contract'
import { errors } from 'undici'

/** A failure of the request's own body (too large, a bad trailer) keeps its code. */
export function toUpstreamError(error: Error): AppError {
  if (error instanceof AppError) return error
  const code = 'code' in error ? String(error.code) : error.name
  return new AppError(toErrorCode(error), { detail: code, cause: error })
}

function toErrorCode(error: Error): ErrorCode {
  if (
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError
  ) {
    return 'upstream_timeout'
  }
  if (
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError
  ) {
    return 'upstream_protocol_error'
  }
  return 'upstream_unreachable'
}
