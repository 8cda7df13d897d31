// The one log line of a request, written when its answer has ended or broken off.
import type { LogFields, Logger } from '../lib/logger.ts'
import type { Call } from './call-context.ts'

export function logCall(logger: Logger, call: Call, durationMs: number): void {
  const { request, failure, status } = call
  const fields: LogFields = {
    request_id: call.requestId,
    client_ip: call.address.text,
    duration_ms: Math.round(durationMs * 100) / 100,
    bytes_in: call.bytesIn,
    bytes_out: call.bytesOut,
  }
  if (request.method !== undefined) fields.method = request.method
  if (call.path !== '') fields.path = call.path
  if (status !== null) fields.status = status
  if (call.isAborted) fields.aborted = true
  if (call.tokenDisplay !== undefined) fields.token_display = call.tokenDisplay
  if (call.failsafe) fields.failsafe = true
  if (call.observed) fields.observed = true
  if (failure === null) {
    logger.info('request', fields)
    return
  }
  fields.code = failure.code
  if (failure.detail !== undefined) fields.detail = failure.detail
  if (failure.cause !== undefined) fields.error = failure.cause
  if (failure.status === 500) logger.error('request', fields)
  else logger.info('request', fields)
}
