// Answers what Node's parser refused to read as a request: the same envelope, one log line, and the connection ends.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { AppError, type ErrorCode } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import { renderRawError } from './answer.ts'
import type { Connections } from './connections.ts'
import type { Reception } from './reception.ts'

export type UnparsedDependencies = {
  connections: Connections
  reception: Pick<Reception, 'callsInWork'>
  logger: Logger
}

/** Handler of the server's `clientError`; it always ends the connection. */
export function createUnparsedRefusal(dependencies: UnparsedDependencies) {
  const { connections, reception, logger } = dependencies
  return function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = connections.of(socket)
    const code = toErrorCode(error.code)
    if (code === null || connection === null || !socket.writable) {
      socket.destroy()
      return
    }
    // Its last answer is on the way already, and closes it.
    if (connection.refused) return
    connection.refused = true
    const failure = new AppError(code, { detail: error.code ?? error.message })
    const call = connection.latestCall
    if (call !== null && reception.callsInWork.has(call) && !call.request.complete) {
      // What broke is the body of a call in work.
      call.response.shouldKeepAlive = false
      call.fail(failure)
    } else if (call !== null && (reception.callsInWork.has(call) || !call.request.complete)) {
      socket.destroy()
    } else {
      const requestId = randomUUID()
      const { status, detail } = failure
      const client_ip = connection.peer.text
      logger.info('request', {
        request_id: requestId,
        client_ip,
        status,
        code,
        ...(detail ? { detail } : {}),
      })
      socket.write(renderRawError(failure, requestId))
      socket.destroySoon()
    }
  }
}

/** Null: the connection itself broke, and nobody is left to be told. */
function toErrorCode(code: string | undefined): ErrorCode | null {
  if (code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request_timeout'
  if (code === 'HPE_INVALID_EOF_STATE') return null
  return code?.startsWith('HPE_') ? 'ambiguous_request' : null
}
