// Every failure of a route becomes the one error envelope; what the caller need not know goes to the log.
import { AppError, type ErrorCode, errorBody } from '@sallyport/contract'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError } from '../store/store.ts'
import { callOf } from './request-context.ts'

/** Failures of the framework that the caller caused. */
const frameworkCodes: Readonly<Record<string, { code: ErrorCode; message?: string }>> = {
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

export function createErrorAnswer(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = toAppError(error)
    const call = callOf(request.raw)
    call.code = failure.code
    if (failure.status >= 500) {
      logger.error('An admin call failed', {
        request_id: call.requestId,
        path: request.routeOptions.url ?? '',
        code: failure.code,
        error,
        ...(failure.detail ? { detail: failure.detail } : {}),
      })
    }
    // A body that was not read to its end must not be taken for the next request.
    if (failure.status === 413) reply.header('connection', 'close')
    if (failure.code === 'invalid_credential') reply.header('www-authenticate', 'Bearer realm="sallyport"')
    if (failure.retryAfterSeconds !== undefined) reply.header('retry-after', failure.retryAfterSeconds)
    reply
      .removeHeader('content-disposition')
      .code(failure.status)
      .type('application/json; charset=utf-8')
      .send(errorBody(failure.code, call.requestId, failure))
  }
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof EngineAwayError) {
    return new AppError('database_unavailable', { cause: error, retryAfterSeconds: 1 })
  }
  const known = frameworkCodes[(error as Partial<FastifyError>)?.code ?? '']
  if (!known) return new AppError('internal_error', { cause: error })
  return new AppError(known.code, known.message === undefined ? {} : { message: known.message })
}
