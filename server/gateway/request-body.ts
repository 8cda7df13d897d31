// How the body of a request goes on: small ones are collected, because that costs a third less; all others stream.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { AppError } from '@sallyport/contract'
import { type CallContext, isDecidingHeader } from '../http/http.ts'

export type BodyShape =
  | { kind: 'none' }
  | { kind: 'small'; lengthBytes: number }
  /** `length` is the declared one, null for a chunked body. */
  | { kind: 'stream'; length: string | null }

const noBody: BodyShape = { kind: 'none' }

/** A body of a declared length up to this is collected before anything is sent on. */
const smallBodyBytesMax = 64 * 1024
const streamBufferBytes = 64 * 1024

export function shapeOfBody({ headers }: IncomingMessage): BodyShape {
  if (headers['transfer-encoding'] !== undefined) return { kind: 'stream', length: null }
  const length = headers['content-length']
  if (length === undefined) return noBody
  const lengthBytes = Number(length)
  if (lengthBytes === 0) return noBody
  return lengthBytes <= smallBodyBytesMax ? { kind: 'small', lengthBytes } : { kind: 'stream', length }
}

/** A body of a declared length over the limit is refused before anything is sent on. */
export function refuseBody({ headers }: IncomingMessage, bodyBytesMax: number): AppError | null {
  const length = headers['content-length']
  return length !== undefined && Number(length) > bodyBytesMax ? new AppError('body_too_large') : null
}

/** Calls `done` once with the whole body; not at all when the client leaves before its end. */
export function collectBody(
  request: IncomingMessage,
  lengthBytes: number,
  done: (body: Buffer) => void,
): void {
  let chunks: Buffer[] | null = null
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (chunks === null && bytes === lengthBytes) return done(chunk)
    chunks ??= []
    chunks.push(chunk)
    if (bytes === lengthBytes) done(Buffer.concat(chunks, bytes))
  })
}

/**
 * Resolves with the whole body, or with why it is refused: a declared length was let in by `refuseBody`, of another kind
 * of body too much may come. Stays open when the client leaves before its end.
 */
export function collectWholeBody(
  request: IncomingMessage,
  context: CallContext,
  bytesMax: number,
): Promise<Buffer | AppError> {
  return new Promise((resolve) => {
    const shape = shapeOfBody(request)
    if (shape.kind === 'small') {
      return collectBody(request, shape.lengthBytes, (body) => {
        context.bytesIn = body.length
        resolve(body)
      })
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => {
      context.bytesIn += chunk.length
      if (context.bytesIn <= bytesMax) chunks.push(chunk)
      else {
        chunks.length = 0
        resolve(new AppError('body_too_large'))
      }
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
  })
}

/**
 * The body as a stream with back-pressure. It breaks with an AppError when it grows past `bytesMax`, or when its
 * trailers carry names that decide: a downstream may take them for headers.
 */
export function streamBody(request: IncomingMessage, context: CallContext, bytesMax: number): Readable {
  const body = new Readable({
    highWaterMark: streamBufferBytes,
    read() {
      request.resume()
    },
    destroy(error, callback) {
      request.off('data', takeChunk).off('end', takeEnd)
      callback(error)
    },
  })
  function takeChunk(chunk: Buffer): void {
    context.bytesIn += chunk.length
    if (context.bytesIn > bytesMax) body.destroy(new AppError('body_too_large'))
    else if (!body.push(chunk)) request.pause()
  }
  function takeEnd(): void {
    if (hasDecidingTrailer(request.rawTrailers)) {
      body.destroy(
        new AppError('ambiguous_request', { detail: 'a trailer with the name of a header that decides' }),
      )
    } else body.push(null)
  }
  request.on('data', takeChunk).on('end', takeEnd)
  return body
}

function hasDecidingTrailer(rawTrailers: readonly string[]): boolean {
  return rawTrailers.some(
    (name, index) => index % 2 === 0 && isDecidingHeader(name.toLowerCase().replaceAll('_', '-')),
  )
}
