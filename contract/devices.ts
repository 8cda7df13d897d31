// Shapes of devices: authentication, tokens, calls, and their administration.
import { z } from 'zod'
import { pageOf, pageQuery, rowNumber } from './admin.ts'
import { graceSeconds, keyBinding, requestsPerMinute } from './clients.ts'

const timestamp = z.iso.datetime()
export const deviceId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/,
    'must be 1 to 128 letters, digits, _ . : or -, such as pi_urbanjungle_001',
  )

/** A device in the path of a route. */
export const deviceParams = z.strictObject({ device_id: deviceId })

export const deviceInfo = z.strictObject({
  device_id: z.string(),
  customer_id: z.string(),
  name: z.string().nullable(),
  active: z.boolean(),
  created_at: timestamp,
})
export type DeviceInfo = z.infer<typeof deviceInfo>

export const deviceAuthRequest = z.strictObject({
  device_id: z.string().min(1).max(128),
  device_secret: z.string().min(1).max(512),
})
export const deviceAuthAnswer = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int().describe('seconds'),
  customer_id: z.string(),
  device_info: deviceInfo,
})
export const deviceRefreshAnswer = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int(),
})

export const deviceItem = z.strictObject({
  ...deviceInfo.shape,
  client_id: z.number().int(),
  requests_per_minute: requestsPerMinute,
  last_seen_at: timestamp.nullable(),
})
export type DeviceItem = z.infer<typeof deviceItem>
export const devicesPage = pageOf(deviceItem)
export const devicesQuery = z.strictObject({
  ...pageQuery,
  client_id: rowNumber.optional(),
})
export type DevicesQuery = z.infer<typeof devicesQuery>

export const deviceCreateRequest = z
  .strictObject({
    device_id: deviceId,
    client_id: z.number().int().positive().optional(),
    customer_id: z.string().min(1).max(64).optional(),
    name: z.string().trim().min(1).max(200).optional(),
    binding: keyBinding.optional(),
    assistants: z
      .array(z.string().trim().min(1).max(200))
      .min(1)
      .max(200)
      .nullable()
      .optional()
      .describe('VAPI assistants that it may start; null: all'),
    requests_per_minute: requestsPerMinute.optional(),
  })
  .refine((device) => (device.client_id === undefined) !== (device.customer_id === undefined), {
    error: 'name the client by exactly one of client_id and customer_id',
    path: ['client_id'],
  })
export type DeviceCreateRequest = z.infer<typeof deviceCreateRequest>
export const deviceRotateRequest = z.strictObject({ grace_seconds: graceSeconds.default(0) }).prefault({})
export const deviceWithSecretAnswer = z.strictObject({
  device: deviceItem,
  device_secret: z.string().describe('shown once, never again'),
})

export const vapiStartRequest = z.strictObject({
  assistant_id: z.string().min(1).max(200),
  assistant_overrides: z.record(z.string(), z.unknown()).optional(),
})
export type VapiStartRequest = z.infer<typeof vapiStartRequest>
export const vapiStopRequest = z.strictObject({ call_id: z.string().min(1).max(200) })
