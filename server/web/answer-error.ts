// Every failure of a route gets a code of the catalogue; the listener's one translator then answers and logs it.
import { AppError, type ErrorCode } from '@sallyport/contract'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { EngineAwayError } from '../store/store.ts'
import { callOf } from './request-context.ts'

/** Failures of the framework that the caller caused. */
const frameworkFailures: Readonly<Record<string, { code: ErrorCode; message?: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'malformed_request',
    message: 'body: its length is not what Content-Length says.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: 'malformed_request',
    message: 'body: is empty although Content-Type says JSON; send a JSON object.',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    code: 'malformed_request',
    message: 'body: is not valid JSON; send one JSON object.',
  },
  FST_ERR_BAD_URL: { code: 'malformed_request', message: 'path: holds a broken percent encoding.' },
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const failure = withCode(error)
  const { raw } = reply.hijack()
  // A download that failed before its first row is no download.
  if (!raw.headersSent) raw.removeHeader('content-disposition')
  callOf(request.raw).fail(failure)
}

function withCode(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof EngineAwayError) {
    return new AppError('database_unavailable', { cause: error, retryAfterSeconds: 1 })
  }
  const known = frameworkFailures[(error as Partial<FastifyError>)?.code ?? '']
  if (!known) return new AppError('internal_error', { cause: error })
  return new AppError(known.code, known.message === undefined ? {} : { message: known.message })
}
