// Shapes of clients, their API keys and provider keys: admin routes and the client's own view.
import { z } from 'zod'
import { pageOf, pageQuery, rowNumber } from './admin.ts'

const timestamp = z.iso.datetime()
const name = z.string().trim().min(1).max(200)
const email = z.email({ error: 'must be an email address such as security@acme.com' }).max(254)
const addressList = z.array(z.string().trim().min(1).max(64)).max(1000)

/** Lower-case letters and digits in words joined by single dashes or underscores. */
export const externalId = z
  .string()
  .max(64)
  .regex(
    /^[a-z0-9]+([_-][a-z0-9]+)*$/,
    'must be lower-case letters and digits, joined by - or _, such as acme-corporation',
  )

export const requestsPerMinute = z.number().int().min(1).max(1_000_000).nullable().describe('null: no limit')

/** An amount of money in millionths of EUR; at most a billion EUR. */
export const micros = z.number().int().min(0).max(1_000_000_000_000_000)

/** Null: no budget. A call that uses one exactly up passes. */
export const clientBudgets = z.strictObject({
  day_micros: micros.nullable().optional(),
  month_micros: micros.nullable().optional(),
})
export type ClientBudgets = z.infer<typeof clientBudgets>

const videoModel = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/, 'must be the name of a model')
/** Absent: the value of the configuration counts. */
export const clientVideoSettings = z.strictObject({
  analysis_fps: z.number().int().min(1).max(60).optional(),
  short_buffer_duration: z.number().int().min(1).max(60).optional().describe('seconds'),
  long_buffer_duration: z.number().int().min(1).max(60).optional().describe('seconds'),
  fast_model: videoModel.optional(),
  strong_model: videoModel.optional(),
  language: z.string().trim().min(1).max(64).optional(),
  prompt: z.string().trim().min(1).max(8000).optional(),
  alert_on_incident: z.boolean().optional(),
  alert_cooldown_seconds: z
    .number()
    .int()
    .min(0)
    .max(86_400)
    .optional()
    .describe('alerts of one camera within it make one mail; 0: each makes its own'),
})
export type ClientVideoSettings = z.infer<typeof clientVideoSettings>

/** What a client has of its own; absent or null: the shared value counts. */
export const clientSettings = z.strictObject({
  requests_per_minute: requestsPerMinute.optional(),
  budgets: clientBudgets.nullable().optional(),
  prices: z
    .record(z.string().regex(/^\/[a-z0-9/_-]{1,100}$/), micros)
    .nullable()
    .optional()
    .describe('price of a call in millionths of EUR, by endpoint such as /api/alert'),
  video: clientVideoSettings.nullable().optional(),
  alert_email: email.nullable().optional().describe('where alerts go in place of the email of the client'),
})
export type ClientSettings = z.infer<typeof clientSettings>

export const clientItem = z.strictObject({
  id: z.number().int(),
  external_id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  status: z.enum(['active', 'suspended']),
  shared_keys: z.boolean().describe('an end user may call on the operator’s keys'),
  settings: clientSettings,
  created_at: timestamp,
})
export type ClientItem = z.infer<typeof clientItem>

/** A row in the path of a route: a client, or a key. */
export const rowParams = z.strictObject({ id: rowNumber })

export const clientCreateRequest = z.strictObject({ name, email, external_id: externalId.optional() })
export type ClientCreateRequest = z.infer<typeof clientCreateRequest>
export const clientPatchRequest = z.strictObject({
  name: name.optional(),
  email: email.optional(),
  shared_keys: z.boolean().optional(),
  settings: clientSettings.optional(),
})
export type ClientPatchRequest = z.infer<typeof clientPatchRequest>
export const clientsQuery = z.strictObject({
  ...pageQuery,
  q: z.string().trim().min(1).max(64).optional().describe('name, email or external_id, or its beginning'),
  status: z.enum(['active', 'suspended']).optional(),
  kind: z.enum(['client', 'user']).optional().describe('made by the admin, or an end user'),
  ids: z
    .string()
    .regex(/^\d{1,10}(,\d{1,10}){0,199}$/, 'must be numbers of clients such as 3,17, at most 200')
    .transform((text) => text.split(',').map(Number))
    .optional()
    .describe('those with these numbers; what is no client is left out'),
})
export type ClientsQuery = z.infer<typeof clientsQuery>
export const clientDeleteQuery = z.strictObject({ usage: z.enum(['invoice', 'drop']).default('invoice') })

export const scope = z
  .string()
  .regex(
    /^(video|alert|usage|proxy|proxy:[a-z0-9][a-z0-9_-]{0,63})$/,
    'must be video, alert, usage, proxy or proxy:<provider>',
  )

export const keyBinding = z.union([
  z.strictObject({ policy: z.enum(['off', 'first_use']) }),
  z.strictObject({ mode: z.enum(['single', 'multiple', 'all']), allowed_ips: addressList.default([]) }),
])
export type KeyBinding = z.infer<typeof keyBinding>

export const keyItem = z.strictObject({
  id: z.number().int(),
  client_id: z.number().int(),
  name: z.string().nullable(),
  display: z.string(),
  status: z.enum(['active', 'revoked', 'expired']),
  scopes: z.array(z.string()).nullable().describe('null: all'),
  models: z.array(z.string()).nullable().describe('null: all'),
  requests_per_minute: requestsPerMinute,
  expires_at: timestamp.nullable(),
  created_at: timestamp,
  last_used_at: timestamp.nullable(),
})
export type KeyItem = z.infer<typeof keyItem>

export const keyCreateRequest = z.strictObject({
  name: name.optional(),
  expires_at: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2027-01-31T00:00:00Z' })
    .nullable()
    .optional(),
  scopes: z.array(scope).min(1).max(64).nullable().optional(),
  models: z.array(z.string().trim().min(1).max(200)).min(1).max(200).nullable().optional(),
  requests_per_minute: requestsPerMinute.optional(),
  binding: keyBinding.optional(),
})
export type KeyCreateRequest = z.infer<typeof keyCreateRequest>
/** A grace of at most 30 days. */
export const graceSeconds = z.number().int().min(0).max(2_592_000)
export const keyRotateRequest = z.strictObject({ grace_seconds: graceSeconds.default(86_400) }).prefault({})

export const clientWithKeyAnswer = z.strictObject({
  client: clientItem,
  api_key: z.string().describe('shown once, never again'),
})
export const keyWithSecretAnswer = z.strictObject({
  key: keyItem,
  api_key: z.string().describe('shown once, never again'),
})
export const clientsPage = pageOf(clientItem)
export const keysPage = pageOf(keyItem)
export const keysQuery = z.strictObject({ ...pageQuery })

export const clientHealthAnswer = z.strictObject({ status: z.literal('ok'), timestamp })

export const providerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be a provider name: lower-case letters, digits, - and _')
export const providerParams = z.strictObject({ name: providerName })
export const clientProviderParams = z.strictObject({ id: rowNumber, name: providerName })
export const providerItem = z.strictObject({
  name: z.string(),
  base_url: z.string(),
  key_source: z.enum(['own', 'shared', 'own_else_shared']),
  priced_by: z.enum(['token', 'call']),
  shared_key: z
    .strictObject({
      last4: z.string(),
      updated_at: timestamp.nullable(),
      source: z.enum(['admin', 'environment']),
    })
    .nullable(),
})
export type ProviderItem = z.infer<typeof providerItem>
export const providersAnswer = z.strictObject({ items: z.array(providerItem) })
export const providerKeyRequest = z.strictObject({
  api_key: z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces or line breaks'),
})
export const providerKeyItem = z.strictObject({
  provider: z.string(),
  last4: z.string(),
  updated_at: timestamp,
})
export type ProviderKeyItem = z.infer<typeof providerKeyItem>
export const providerKeysAnswer = z.strictObject({ items: z.array(providerKeyItem) })
