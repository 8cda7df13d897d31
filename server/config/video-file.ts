// What the YAML file says of video: how much of it is kept, and which models look at it.
import { z } from 'zod'

const mebibyte = 1024 * 1024
const bytes = (standard: number) =>
  z
    .number()
    .int()
    .min(1024)
    .max(2 ** 40)
    .default(standard)
const count = (standard: number) => z.number().int().min(1).max(100_000).default(standard)
const seconds = (standard: number, max: number) => z.number().int().min(1).max(max).default(standard)
const modelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/, 'must be the name of a model such as gemini-2.5-flash')

export const videoSection = z
  .strictObject({
    analysis_fps: z.number().int().min(1).max(60).default(25).describe('frames a second that a camera sends'),
    short_buffer_duration: seconds(3, 60).describe('seconds that the first model looks at'),
    long_buffer_duration: seconds(10, 60).describe('seconds that are kept'),
    provider: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be the name of a provider')
      .default('gemini')
      .describe('whose base URL and shared key the analysis uses'),
    model_api: z
      .enum(['gemini', 'openai'])
      .default('gemini')
      .describe('how that provider is asked: as Gemini, or as any OpenAI-compatible API'),
    fast_model: modelName.default('gemini-2.5-flash').describe('looks at every short buffer'),
    strong_model: modelName
      .default('gemini-2.5-pro')
      .describe('looks again, at the long buffer, after a hit'),
    language: z.string().trim().min(1).max(64).default('English').describe('language of the analysis'),
    prompt: z
      .string()
      .trim()
      .min(1)
      .max(8000)
      .optional()
      .describe('what to look for, in place of the built-in text'),
    alert_on_incident: z.boolean().default(false).describe('a confirmed incident raises an alert by itself'),
    alert_cooldown_seconds: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(60)
      .describe('alerts of one camera within it make one mail; 0: each makes its own'),
    stage_timeout_ms: z
      .number()
      .int()
      .min(100)
      .max(600_000)
      .default(60_000)
      .describe('one model, retries included'),
  })
  .prefault({})

export const videoLimits = z
  .strictObject({
    frame_bytes_max: bytes(5 * mebibyte).describe('one JPEG'),
    batch_bytes_max: bytes(32 * mebibyte).describe('body of a batch'),
    batch_frames_max: count(250).describe('frames of a batch'),
    bodies_bytes_max: bytes(256 * mebibyte).describe('bodies until their frames are kept, whole process'),
    bodies_bytes_per_client_max: bytes(64 * mebibyte).describe(
      'bodies until their frames are kept, one client',
    ),
    buffer_bytes_max: bytes(1024 * mebibyte).describe('kept frames, whole process'),
    buffer_bytes_per_client_max: bytes(512 * mebibyte).describe('kept frames, one client'),
    alert_bytes_max: bytes(256 * mebibyte).describe('frames that wait to become clips, whole process'),
    alert_bytes_per_client_max: bytes(64 * mebibyte).describe(
      'frames that wait to become clips, one client; past it an alert carries key frames',
    ),
    buffer_idle_seconds: seconds(300, 86_400).describe(
      'a camera that sends nothing for so long loses its frames',
    ),
    cameras_per_client_max: count(64),
    analyses_max: count(16).describe('analyses at once, whole process'),
    analyses_per_client_max: count(4).describe('analyses at once, one client'),
    analysis_bytes_max: bytes(256 * mebibyte).describe('frames that models are being shown, whole process'),
    analysis_bytes_per_client_max: bytes(64 * mebibyte).describe(
      'frames that models are being shown, one client',
    ),
  })
  .prefault({})
