// Collects a large request body into one piece of memory, within its own limit and the room of its client.
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { AppError } from '@sallyport/contract'
import type { BodyRoom } from './body-load.ts'

/** Rejects with AppError `body_too_large`, the refusal of `room`, or `malformed_request` for a body that breaks off. */
export function readBody(
  request: IncomingMessage,
  payload: Readable,
  { bytesMax, room }: { bytesMax: number; room: BodyRoom },
): Promise<Buffer> {
  const announced = request.headers['content-length']
  const length = announced === undefined ? null : Number(announced)
  if (length !== null && length > bytesMax) return Promise.reject(tooLarge(bytesMax))
  const refusal = room.reserve(length ?? 0)
  if (refusal) return Promise.reject(refusal)
  return length === null ? readUnknown(payload, { bytesMax, room }) : readKnown(payload, length)
}

/** Node's parser lets no more and no fewer bytes than announced through. */
function readKnown(payload: Readable, length: number): Promise<Buffer> {
  const body = Buffer.allocUnsafeSlow(length)
  let at = 0
  return collect(payload, {
    take(chunk) {
      at += chunk.copy(body, at)
      return null
    },
    finish: () => (at === length ? body : null),
  })
}

function readUnknown(
  payload: Readable,
  { bytesMax, room }: { bytesMax: number; room: BodyRoom },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  return collect(payload, {
    take(chunk) {
      bytes += chunk.length
      chunks.push(chunk)
      return bytes > bytesMax ? tooLarge(bytesMax) : room.reserve(chunk.length)
    },
    finish: () => Buffer.concat(chunks),
  })
}

function collect(
  payload: Readable,
  { take, finish }: { take(chunk: Buffer): AppError | null; finish(): Buffer | null },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stop = (error: unknown) => {
      payload.off('data', onData)
      payload.resume()
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      const refusal = take(chunk)
      if (refusal) stop(refusal)
    }
    payload.on('data', onData)
    const breakOff = () => reject(broken())
    payload.once('end', () => {
      const body = finish()
      if (body === null) return breakOff()
      payload.off('close', breakOff)
      resolve(body)
    })
    payload.once('error', stop)
    payload.once('close', breakOff)
  })
}

function broken(): AppError {
  return new AppError('malformed_request', { message: 'body: its length is not what Content-Length says.' })
}

function tooLarge(bytesMax: number): AppError {
  return new AppError('body_too_large', { message: `The body is larger than ${bytesMax} bytes.` })
}
