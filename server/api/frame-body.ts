// Bodies with frames: JSON with base64 or a raw JPEG become one order for the schema, and the pictures beside it.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { FastifyRequest } from 'fastify'
import type { FrameJson, Video } from '../video/video.ts'
import type { WebApi } from '../web/web.ts'
import { callerOf } from './authenticate.ts'
import type { BodyRoom } from './body-load.ts'
import { noteBodyBytes } from './metered.ts'
import { readBody } from './read-body.ts'

export type FrameBodyOptions = {
  bytesMax: number
  intake: Pick<Video['intake'], 'readJson'>
  roomOf(clientId: number): BodyRoom
}

/** Pictures that came with a request and the memory that is reserved for them until they are in their buffer, or refused. */
type Received = { pictures: Buffer[]; room: BodyRoom }
const receivedWith = new WeakMap<IncomingMessage, Received>()

/** Runs `work` with the pictures that came with a request, in their order. */
export async function withPictures<Result>(
  request: IncomingMessage,
  work: (pictures: Buffer[]) => Promise<Result>,
): Promise<Result> {
  const received = receivedWith.get(request)
  receivedWith.delete(request)
  try {
    return await work(received?.pictures ?? [])
  } finally {
    received?.room.release()
  }
}

/** For requests that failed: where the schema refused what came with them, nobody has taken the pictures. */
export function dropPictures(request: IncomingMessage): void {
  receivedWith.get(request)?.room.release()
  receivedWith.delete(request)
}

/** JSON, as the body of the routes of `api`. */
export function takeFrameJson(api: WebApi, options: FrameBodyOptions): void {
  api.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    if (Object.keys(request.query ?? {}).length > 0) {
      throw new AppError('malformed_request', {
        message: 'query: belongs to a raw image/jpeg; a JSON body holds all of it.',
      })
    }
    return receive(request, payload, options, options.intake.readJson)
  })
}

/** A raw picture: what JSON would hold beside it stands in the query. */
export function takeRawJpeg(api: WebApi, options: FrameBodyOptions): void {
  api.addContentTypeParser('image/jpeg', (request: FastifyRequest, payload: IncomingMessage) =>
    receive(request, payload, options, (jpeg) => ({
      value: { frame_data: '', ...toFields(request.query) },
      pictures: [jpeg],
    })),
  )
}

/** Collects the body, answers what `read` makes of it for the schema, and keeps its pictures for `withPictures`. */
async function receive(
  { raw: request }: FastifyRequest,
  payload: IncomingMessage,
  { bytesMax, roomOf }: FrameBodyOptions,
  read: (body: Buffer) => FrameJson,
): Promise<unknown> {
  const room = roomOf(callerOf(request).clientId)
  try {
    const body = await readBody(request, payload, { bytesMax, room })
    noteBodyBytes(request, body.length)
    const { value, pictures } = read(body)
    receivedWith.set(request, { pictures, room })
    return value
  } catch (error) {
    room.release()
    throw error
  }
}

/** Numbers of a query are texts; what is none is left to the schema. */
function toFields(query: unknown): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...(query as Record<string, unknown>) }
  const { frame_count: count, timestamp } = fields
  if (typeof count === 'string' && /^\d{1,15}$/.test(count)) fields.frame_count = Number(count)
  if (typeof timestamp === 'string' && /^\d{1,14}(\.\d{1,9})?$/.test(timestamp))
    fields.timestamp = Number(timestamp)
  return fields
}
