// Server-sent events over one answer: begun by the first event, as slow as its reader, ended by an error event when it fails.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { AppError, errorBody } from '@sallyport/contract'
import type { WebCall } from '../web/web.ts'

export type EventStream = {
  hasBegun(): boolean
  /** Written so far. */
  bytes(): number
  /** Resolves when there is room for more, also when the reader is gone. */
  send(event: string, data: object): Promise<void>
  end(): void
  /** An error answer when nothing was sent yet; else an event `error` and the end. */
  fail(error: unknown, call: Pick<WebCall, 'fail' | 'requestId'>): void
}

export function openEventStream(response: ServerResponse): EventStream {
  let bytes = 0
  const write = (event: string, data: object): boolean => {
    if (!response.headersSent) {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      })
    }
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    bytes += Buffer.byteLength(text)
    return response.write(text)
  }
  return {
    hasBegun: () => response.headersSent,
    bytes: () => bytes,
    async send(event, data) {
      if (response.destroyed || write(event, data)) return
      const ended = new AbortController()
      const { signal } = ended
      try {
        await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
      } finally {
        ended.abort()
      }
    },
    end: () => void response.end(),
    fail(error, call) {
      if (response.destroyed || !response.headersSent) return call.fail(error)
      const { code, message, details } = error instanceof AppError ? error : new AppError('internal_error')
      write('error', errorBody(code, call.requestId, { message, details }))
      response.end()
      // The answer is whole; what is told now concerns the log only.
      call.fail(error)
    },
  }
}
