// Shapes of cameras, frames and their analysis.
import { z } from 'zod'
import { pageOf, pageQuery, rowNumber } from './admin.ts'

const timestamp = z.iso.datetime()

export const cameraIdPattern = /^[A-Za-z0-9_-]{1,64}$/
export const cameraId = z.string().regex(cameraIdPattern, 'must be 1 to 64 letters, digits, _ and -')
export const defaultCameraId = 'default'

/** Time of a frame: ISO 8601 with zone, or seconds (fractions allowed) or milliseconds since 1970. */
const timestampError =
  'must be a time such as 2027-01-31T08:00:00.040Z, or seconds or milliseconds since 1970'
export const frameTimestamp = z.union(
  [z.iso.datetime({ offset: true, error: timestampError }), z.number(timestampError).min(0).max(1e14)],
  { error: timestampError },
)
export const frameCount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const frameFields = {
  frame_data: z.string().describe('JPEG in base64'),
  frame_count: frameCount.optional().describe('the camera’s own number of the frame'),
  timestamp: frameTimestamp.optional().describe('ISO 8601, or seconds or milliseconds since 1970'),
}
export const frameRequest = z.strictObject({ ...frameFields, camera_id: cameraId.optional() })
export const frameBatchRequest = z.strictObject({
  camera_id: cameraId.optional(),
  frames: z.array(z.strictObject(frameFields)).min(1),
})
/** Query of a raw `image/jpeg`. */
export const rawFrameQuery = z.strictObject({
  camera_id: cameraId.optional(),
  frame_count: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .optional(),
  timestamp: z.string().max(40).optional(),
})

export const bufferedAnswer = z.strictObject({
  status: z.literal('buffered'),
  frame_count: z.number().int(),
  buffer_size: z.number().int(),
})
export const batchBufferedAnswer = z.strictObject({
  status: z.literal('buffered'),
  frames_added: z.number().int(),
  buffer_size: z.number().int(),
})

export const analyzeRequest = z.strictObject({ camera_id: cameraId.optional() }).prefault({})
export const riskLevel = z.enum(['LOW', 'MEDIUM', 'HIGH'])
export type RiskLevel = z.infer<typeof riskLevel>
export const analyzeAnswer = z.strictObject({
  analysis: z.string(),
  has_security_incident: z.boolean(),
  risk_level: riskLevel,
  incident_type: z.string().nullable(),
  timestamp,
  frame_count: z.number().int().describe('frames that the last model asked has seen'),
  confirmed: z.boolean().describe('both models saw an incident'),
  veto_reason: z.string().optional().describe('why the second model disagreed with the first'),
})
export type AnalyzeAnswer = z.infer<typeof analyzeAnswer>

export const cameraItem = z.strictObject({
  client_id: z.number().int(),
  camera_id: z.string(),
  first_seen_at: timestamp,
  last_seen_at: timestamp,
  buffer: z
    .strictObject({
      frames: z.number().int(),
      bytes: z.number().int(),
      oldest_at: timestamp,
      newest_at: timestamp,
      frames_per_second: z.number().nullable().describe('of what is kept; null: too little to tell'),
      idle_seconds: z.number().int().describe('since the last frame came in'),
    })
    .nullable()
    .describe('what this process keeps of it; null: nothing'),
})
export type CameraItem = z.infer<typeof cameraItem>
export const camerasPage = pageOf(cameraItem)
/** What the frame buffers of this process hold together. */
export const frameMemory = z.strictObject({
  clients: z.number().int(),
  frames: z.number().int(),
  bytes: z.number().int(),
  bytes_max: z.number().int(),
})
export const adminCamerasPage = camerasPage.extend({ memory: frameMemory })
export type AdminCamerasPage = z.infer<typeof adminCamerasPage>
export const camerasQuery = z.strictObject({ ...pageQuery })
export const adminCamerasQuery = z.strictObject({ ...pageQuery, client_id: rowNumber.optional() })
