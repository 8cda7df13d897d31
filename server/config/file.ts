// The optional YAML file: what it may hold, with every default.
import { z } from 'zod'
import { billingSection } from './billing-file.ts'
import { pricesSection } from './prices-file.ts'
import { providersSection } from './provider-file.ts'
import { videoLimits, videoSection } from './video-file.ts'

const bytes = (standard: number) =>
  z
    .number()
    .int()
    .min(1024)
    .max(2 ** 40)
    .default(standard)
const count = (standard: number) => z.number().int().min(1).max(1_000_000).default(standard)
const days = (standard: number) => z.number().int().min(1).max(36_500).default(standard)

export const configFileSchema = z.strictObject({
  limits: z
    .strictObject({
      concurrent_requests_max: count(20_000).describe('requests in work at once, whole process'),
      connections_max: count(40_000).describe('open client connections, whole process'),
      header_bytes_max: bytes(65_536).describe('request line and headers of one request'),
      headers_timeout_ms: z
        .number()
        .int()
        .min(100)
        .max(600_000)
        .default(30_000)
        .describe('time for a client to send its headers'),
      body_idle_timeout_ms: z
        .number()
        .int()
        .min(100)
        .max(600_000)
        .default(60_000)
        .describe('time in which a request body must bring 1 KiB or its end'),
      pass_through: z
        .strictObject({
          body_bytes_max: bytes(512 * 1024 * 1024),
          concurrent_per_address_max: count(10_000),
        })
        .prefault({}),
      providers: z
        .strictObject({
          body_bytes_max: bytes(512 * 1024 * 1024),
          shared_body_bytes_max: bytes(32 * 1024 * 1024).describe(
            'a body that is collected and checked: on a shared key, or for a list of models',
          ),
          collected_bytes_max: bytes(512 * 1024 * 1024).describe('such bodies at once, whole process'),
          collected_bytes_per_client_max: bytes(128 * 1024 * 1024).describe(
            'such bodies at once, one client',
          ),
          concurrent_per_address_max: count(10_000),
          concurrent_per_client_max: count(1000).describe('provider calls at once of one client'),
        })
        .prefault({}),
      admin: z
        .strictObject({ body_bytes_max: bytes(1024 * 1024), concurrent_per_address_max: count(100) })
        .prefault({}),
      video: videoLimits,
    })
    .prefault({}),
  cache: z
    .strictObject({
      bindings_max: count(200_000).describe('decisions kept in this process'),
      credentials_max: count(200_000).describe('API keys and device tokens remembered in this process'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      intercepts_days: days(180),
      audit_days: days(400),
      usage_days: z
        .number()
        .int()
        .min(32, 'must be 32 or more: what a client has spent in a month is added up from usage events')
        .max(36_500)
        .default(400)
        .describe('usage events; keep them longer than a client may dispute an invoice'),
      daily_counts_days: days(400),
      archived_bindings_days: days(400),
      alerts_days: days(180),
      cameras_days: days(90).describe('how long a camera that sends nothing is listed'),
      vapi_calls_days: days(30).describe('how long a device may stop a call that it started'),
    })
    .prefault({}),
  billing: billingSection,
  providers: providersSection,
  prices: pricesSection,
  video: videoSection,
  vapi: z
    .strictObject({
      start_path: z
        .string()
        .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path such as /call/web')
        .default('/call/web')
        .describe('where VAPI starts a call'),
    })
    .prefault({}),
  blog: z
    .strictObject({
      model: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be the name of a Gemini model, such as gemini-2.5-flash')
        .default('gemini-2.5-flash')
        .describe('Gemini model that writes; the user’s own key pays'),
      deadline_ms: z
        .number()
        .int()
        .min(1000)
        .max(900_000)
        .default(180_000)
        .describe('time for sources and text together'),
      sources_max: z.number().int().min(1).max(20).default(5).describe('pages that Exa is asked for'),
      concurrent_max: count(200).describe('texts in work at once, whole process'),
      concurrent_per_client_max: count(4).describe('texts in work at once, one client'),
    })
    .prefault({}),
  journal: z
    .strictObject({
      bytes_max: bytes(256 * 1024 * 1024).describe('room for records that wait for the database'),
    })
    .prefault({}),
})

export type ConfigFile = z.output<typeof configFileSchema>
