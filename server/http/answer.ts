// The one translator from an error to the answer that a caller sees.
import type { ServerResponse } from 'node:http'
import { AppError, errorBody } from '@sallyport/contract'
import { nodeHttp } from './node-http.ts'

/** Anything thrown becomes an AppError; what has no code of the catalogue is ours to blame. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal_error', { cause: error })
}

/** Writes the envelope of SPEC §2. The head must not have been sent yet. */
export function writeError(response: ServerResponse, error: AppError, requestId: string): void {
  const body = renderError(error, requestId)
  response.writeHead(error.status, headersOf(error, requestId, body))
  response.end(body)
}

/** A whole answer for a connection on which no request could be read: the parser gave up. */
export function renderRawError(error: AppError, requestId: string): string {
  const body = renderError(error, requestId)
  const headers = [...headersOf(error, requestId, body), 'Connection', 'close']
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []))
  return `HTTP/1.1 ${error.status} ${nodeHttp.STATUS_CODES[error.status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}

function renderError(error: AppError, requestId: string): string {
  return JSON.stringify(errorBody(error.code, requestId, { message: error.message, details: error.details }))
}

function headersOf(error: AppError, requestId: string, body: string): string[] {
  const headers = ['Content-Type', 'application/json; charset=utf-8']
  headers.push('Content-Length', String(Buffer.byteLength(body)))
  headers.push('Cache-Control', 'no-store', 'X-Request-Id', requestId)
  if (error.status === 401) headers.push('WWW-Authenticate', 'Bearer')
  if (error.retryAfterSeconds !== undefined) headers.push('Retry-After', String(error.retryAfterSeconds))
  return headers
}
