// Frames of a client's cameras on their way in, and the list of those cameras; each call of the intake is priced.
import {
  AppError,
  analyzeAnswer,
  analyzeRequest,
  batchBufferedAnswer,
  bufferedAnswer,
  camerasPage,
  camerasQuery,
  defaultCameraId,
  type ErrorCode,
  frameBatchRequest,
  frameRequest,
  rawFrameQuery,
} from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Meter } from '../usage/usage.ts'
import type { ModelUse, NewFrame, Video } from '../video/video.ts'
import { answers, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'
import { createBodyLoad } from './body-load.ts'
import { dropPictures, takeFrameJson, takeRawJpeg, withPictures } from './frame-body.ts'
import { runMetered, type Spent } from './metered.ts'
import { requireScope } from './require-scope.ts'

export type VideoRouteDependencies = {
  config: { limits: Pick<Config['limits'], 'video'> }
  video: Pick<Video, 'intake' | 'cameras' | 'analyze'>
  meter: Meter
  /** What the stages of an analysis cost at the provider, in millionths of EUR; null where no price is known. */
  costAtProvider(used: ModelUse): number | null
}

export const videoSchema = { tags: ['video'], security: callerSecurity.api_key }
const bufferPath = '/api/video/buffer'
/** What JSON holds beside one picture. */
const jsonMarginBytes = 64 * 1024
/** Numbers below are seconds since 1970, others milliseconds. */
const secondsMax = 1e11

/** Behind the authentication. */
export function addVideoRoutes(api: WebApi, dependencies: VideoRouteDependencies): void {
  const { limits } = dependencies.config
  const { frame_bytes_max: frameMax, batch_bytes_max: batchMax } = limits.video
  const { bodies_bytes_max: bytesMax, bodies_bytes_per_client_max: clientBytesMax } = limits.video
  const { intake } = dependencies.video
  const roomOf = createBodyLoad({ bytesMax, clientBytesMax })
  api.addHook('onRequest', async ({ raw }) => requireScope(callerOf(raw), 'video'))
  api.setErrorHandler((error, { raw }) => {
    dropPictures(raw)
    throw error
  })
  addCamerasRoute(api, dependencies)
  addAnalyzeRoute(api, dependencies)
  api.register(async (single: WebApi) => {
    single.addContentTypeParser('*', refuseMediaType)
    takeFrameJson(single, { intake, roomOf, bytesMax: Math.ceil(frameMax / 3) * 4 + jsonMarginBytes })
    takeRawJpeg(single, { intake, roomOf, bytesMax: frameMax })
    addBufferRoute(single, dependencies)
  })
  api.register(async (batch: WebApi) => {
    takeFrameJson(batch, { intake, roomOf, bytesMax: batchMax })
    addBatchRoute(batch, dependencies)
  })
}

async function refuseMediaType(): Promise<never> {
  throw new AppError('unsupported_media_type', {
    message: 'Send a frame as application/json, or the JPEG itself as image/jpeg.',
  })
}

function addBufferRoute(api: WebApi, { video, meter }: VideoRouteDependencies): void {
  const schema = {
    ...videoSchema,
    summary: 'Put a frame into the buffer of a camera: JSON, or a raw image/jpeg with the rest in the query',
    querystring: rawFrameQuery,
    consumes: ['application/json', 'image/jpeg'],
    body: frameRequest,
    response: answers(bufferedAnswer),
  }
  api.post(bufferPath, { schema }, ({ body, raw }, reply) =>
    withPictures(raw, async ([jpeg]) => {
      const frame = toFrame(body, jpeg)
      const priced = { meter, endpoint: bufferPath, request: raw, response: reply.raw }
      return runMetered(priced, async () => {
        const added = await video.intake.buffer(callerOf(raw), body.camera_id ?? defaultCameraId, [frame])
        if (added instanceof AppError) throw added
        const { lastFrameCount: frame_count, bufferSize: buffer_size } = added
        return { status: 200, answer: { status: 'buffered' as const, frame_count, buffer_size } }
      })
    }),
  )
}

function addBatchRoute(api: WebApi, { config, video, meter }: VideoRouteDependencies): void {
  const framesMax = config.limits.video.batch_frames_max
  const schema = {
    ...videoSchema,
    summary: 'Put frames into the buffer of a camera, all or none; one call, whatever their number',
    body: frameBatchRequest,
    response: answers(batchBufferedAnswer),
  }
  api.post(`${bufferPath}/batch`, { schema }, ({ body, raw }, reply) =>
    withPictures(raw, async (pictures) => {
      if (body.frames.length > framesMax) {
        throw new AppError('malformed_request', {
          message: `frames: must have ${framesMax} entries at most.`,
        })
      }
      const frames = body.frames.map((fields, index) => toFrame(fields, pictures[index]))
      const priced = { meter, endpoint: bufferPath, request: raw, response: reply.raw }
      return runMetered(priced, async () => {
        const added = await video.intake.buffer(callerOf(raw), body.camera_id ?? defaultCameraId, frames)
        if (added instanceof AppError) throw added
        const { bufferSize: buffer_size } = added
        return {
          status: 200,
          answer: { status: 'buffered' as const, frames_added: frames.length, buffer_size },
        }
      })
    }),
  )
}

function addCamerasRoute(api: WebApi, { video }: VideoRouteDependencies): void {
  const schema = {
    ...videoSchema,
    summary: 'Your own cameras and how much of them is kept; never a frame',
    querystring: camerasQuery,
    response: answers(camerasPage),
  }
  api.get('/api/cameras', { schema }, ({ query, raw }) =>
    video.cameras.list({ ...query, client_id: callerOf(raw).clientId }),
  )
}

function addAnalyzeRoute(api: WebApi, { video, meter, costAtProvider }: VideoRouteDependencies): void {
  const schema = {
    ...videoSchema,
    summary:
      'Have a model look at the last seconds of a camera, and a second one before it counts as an incident',
    body: analyzeRequest,
    response: answers(analyzeAnswer),
  }
  api.post('/api/video/analyze', { schema }, async ({ body, raw }, reply) => {
    const leaving = new AbortController()
    reply.raw.once('close', () => leaving.abort())
    const priced = { meter, endpoint: '/api/video/analyze', request: raw, response: reply.raw }
    return runMetered(priced, async (spent) => {
      const used: ModelUse[] = []
      const cameraId = body.camera_id ?? defaultCameraId
      try {
        const order = { caller: callerOf(raw), cameraId, signal: leaving.signal, used }
        return { status: 200, answer: await video.analyze(order) }
      } catch (error) {
        // The model had the question: who hangs up and asks again pays for each.
        if (leaving.signal.aborted && isCode(error, 'analysis_failed')) spent.status = 0
        throw error
      } finally {
        Object.assign(spent, addUp(used, costAtProvider))
      }
    })
  })
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof AppError && error.code === code
}

/** Both stages as one: the tokens of the call, the model that was asked last, and what all of it cost the operator. */
function addUp(used: readonly ModelUse[], costOf: VideoRouteDependencies['costAtProvider']): Partial<Spent> {
  const last = used.at(-1)
  if (!last) return {}
  const sum = (name: keyof ModelUse['tokens']) => used.reduce((total, { tokens }) => total + tokens[name], 0)
  return {
    tokens: { tokensIn: sum('tokensIn'), tokensOut: sum('tokensOut'), tokensCached: sum('tokensCached') },
    model: last.model,
    providerCostMicros: used.reduce((total, use) => total + (costOf(use) ?? 0), 0),
  }
}

type FrameFields = { frame_count?: number | undefined; timestamp?: string | number | undefined }

function toFrame({ frame_count: frameCount, timestamp }: FrameFields, jpeg: Buffer | undefined): NewFrame {
  if (!jpeg)
    throw new AppError('malformed_request', { message: 'frame_data: is missing: it must be a JPEG.' })
  return { jpeg, frameCount: frameCount ?? null, timestampMs: toMs(timestamp) }
}

function toMs(timestamp: string | number | undefined): number | null {
  if (timestamp === undefined) return null
  if (typeof timestamp === 'string') return Date.parse(timestamp)
  return Math.round(timestamp < secondsMax ? timestamp * 1000 : timestamp)
}
