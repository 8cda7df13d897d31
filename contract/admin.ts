// Shapes of the admin API: one zod schema for each request and answer, shared by server, console, command line and OpenAPI.
import { z } from 'zod'

/** A whole number from 1 to `max`; one text for all that can be wrong with it. */
function countingNumber(max: number) {
  const error = `must be a whole number from 1 to ${max}`
  return z.number(error).int(error).min(1, error).max(max, error)
}

/** A number of a query string, digits only: `1e2`, ` 5` or `0x10` are refused and not guessed at. */
function queryNumber(max: number) {
  return z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : text),
    countingNumber(max),
  )
}

/** The number of a row, as it stands in a path or a query string. */
export const rowNumber = queryNumber(9_999_999_999)

/** Page query of every list: `page` from 1, `page_size` 1–200 (default 20). */
export const pageQuery = {
  page: queryNumber(1_000_000_000).default(1),
  page_size: queryNumber(200).default(20),
}

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    total: z.number().int().nonnegative(),
    total_is_estimate: z
      .literal(true)
      .optional()
      .describe(
        'there: the list is long and still being counted; total is about right, and never ends a list that goes on',
      ),
    page: z.number().int(),
    page_size: z.number().int(),
  })
}

const timestamp = z.iso.datetime()
const bindingMode = z.enum(['single', 'multiple', 'all'])
const addressList = z.array(z.string().trim().min(1).max(64)).max(1000)

export const loginRequest = z.strictObject({ password: z.string().min(1).max(1024) })
export const loginAnswer = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.number().int().describe('seconds'),
})
/** What the console is told of its own session; the token itself stays in an HttpOnly cookie. */
export const sessionAnswer = z.strictObject({ expires_in: z.number().int() })

export const bindingItem = z.strictObject({
  id: z.number().int(),
  token_display: z.string(),
  mode: bindingMode,
  allowed_ips: z.array(z.string()),
  status: z.enum(['active', 'banned']),
  client_id: z.number().int().nullable(),
  first_used_at: timestamp.nullable().describe('null: bound ahead of its first use'),
  last_used_at: timestamp.nullable(),
})
export type BindingItem = z.infer<typeof bindingItem>

export const bindingsQuery = z.strictObject({
  ...pageQuery,
  q: z.string().trim().min(1).max(64).optional().describe('token_display, exact or its beginning'),
  ip: z.string().trim().min(1).max(64).optional().describe('an address that the rule covers'),
  status: z.enum(['active', 'banned']).optional(),
  mode: bindingMode.optional(),
})
export type BindingsQuery = z.infer<typeof bindingsQuery>

export const bindingIdRequest = z.strictObject({ id: countingNumber(Number.MAX_SAFE_INTEGER) })
export const bindingRuleRequest = z.strictObject({
  id: countingNumber(Number.MAX_SAFE_INTEGER),
  mode: bindingMode,
  allowed_ips: addressList.default([]),
})
export const bindingCreateRequest = z.strictObject({
  token: z.string().min(1).max(4096),
  mode: bindingMode,
  allowed_ips: addressList.default([]),
})

export const interceptItem = z.strictObject({
  id: z.string(),
  token_display: z.string(),
  client_ip: z.string(),
  allowed_ips: z.array(z.string()),
  method: z.string(),
  path: z.string(),
  reason: z.enum(['ip_not_allowed', 'binding_banned']),
  alerted: z.boolean(),
  created_at: timestamp,
  request_id: z.string(),
  count: z
    .number()
    .int()
    .describe('refusals that this row stands for; above 1 when a flood was counted in one row'),
})
export type InterceptItem = z.infer<typeof interceptItem>

export const moment = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: 'must be a date such as 2026-01-31, or a time with its zone such as 2026-01-31T08:00:00Z',
})
export const interceptFilter = {
  q: z.string().trim().min(1).max(64).optional().describe('token_display, exact or its beginning'),
  ip: z.string().trim().min(1).max(64).optional().describe('client address, or a CIDR that holds it'),
  from: moment.optional(),
  to: moment.optional().describe('a date means its end'),
}
export const interceptsQuery = z.strictObject({ ...pageQuery, ...interceptFilter })
export const interceptsExportQuery = z.strictObject(interceptFilter)
export type InterceptsQuery = z.infer<typeof interceptsQuery>
export type InterceptsExportQuery = z.infer<typeof interceptsExportQuery>

/** Header row of the CSV export; the order is part of the contract. */
export const interceptCsvColumns = [
  'id',
  'token_display',
  'client_ip',
  'allowed_ips',
  'method',
  'path',
  'reason',
  'alerted',
  'created_at',
  'request_id',
] as const satisfies readonly (keyof InterceptItem)[]

const dayCounts = {
  requests: z.number().int(),
  allowed: z.number().int(),
  intercepted: z.number().int(),
}
export const dashboardAnswer = z.strictObject({
  today: z.strictObject(dayCounts),
  bindings: z.strictObject({
    total: z.number().int(),
    active: z.number().int(),
    banned: z.number().int(),
    is_estimate: z.literal(true).optional().describe('there: they are many and still being counted'),
  }),
  trend: z.array(z.strictObject({ date: z.iso.date(), ...dayCounts })).length(7),
  recent_intercepts: z.array(interceptItem).max(10),
})
export type DashboardAnswer = z.infer<typeof dashboardAnswer>

export const settingsAnswer = z.strictObject({
  alert_webhook_url: z.string().nullable(),
  alert_threshold_count: z.number().int(),
  alert_threshold_seconds: z.number().int(),
  archive_days: z.number().int(),
  failsafe_mode: z.enum(['closed', 'open']),
})
export type Settings = z.infer<typeof settingsAnswer>

const webhookUrlError = 'must be an http:// or https:// address, or null to switch alerts off'
export const settingsRequest = z.strictObject({
  alert_webhook_url: z
    .union([z.url({ protocol: /^https?$/, error: webhookUrlError }).max(2048), z.literal(''), z.null()], {
      error: webhookUrlError,
    })
    .transform((url) => url || null)
    .optional()
    .describe('null or "" switches alerts off'),
  alert_threshold_count: countingNumber(100_000).optional(),
  alert_threshold_seconds: countingNumber(86_400).optional(),
  archive_days: countingNumber(3650).optional(),
  failsafe_mode: z.enum(['closed', 'open']).optional(),
})
export type SettingsRequest = z.infer<typeof settingsRequest>

export const auditItem = z.strictObject({
  id: z.number().int(),
  created_at: timestamp,
  actor: z
    .string()
    .describe(
      'how the admin signed in (password, console, local token, command line), or a client’s credential such as api_key:7',
    ),
  address: z.string().nullable(),
  action: z.string(),
  target: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
})
export type AuditItem = z.infer<typeof auditItem>
export const auditQuery = z.strictObject({
  ...pageQuery,
  action: z.string().trim().min(1).max(64).optional(),
})
export const auditVerifyAnswer = z.strictObject({
  ok: z.boolean(),
  rows: z.number().int(),
  first_bad_id: z.number().int().nullable(),
})

export const healthAnswer = z.strictObject({ status: z.literal('ok') })
const engineState = z.strictObject({ state: z.enum(['up', 'down', 'off']), detail: z.string().optional() })
export const readinessAnswer = z.strictObject({
  status: z
    .enum(['ready', 'degraded', 'unavailable'])
    .describe('degraded: an engine is down, calls are still decided; unavailable (503): they are not'),
  components: z.strictObject({ database: engineState, redis: engineState, journal: engineState }),
  binding_mode: z.enum(['enforce', 'observe']).describe('observe: wrong addresses are let through'),
  failsafe_mode: z.enum(['closed', 'open']),
})

/** Body of every error. */
export const errorAnswer = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.literal('sallyport_error'),
    code: z.string().describe('docs/errors.md lists them'),
    request_id: z.string(),
    details: z
      .array(z.string())
      .optional()
      .describe('every reason, when there is more than the message says'),
  }),
})

/** Version and state that the console shows beside its name. */
export const gatewayAnswer = z.strictObject({
  version: z.string(),
  binding_mode: z.enum(['enforce', 'observe']),
  failsafe_mode: z.enum(['closed', 'open']),
  downstream_url: z.string().nullable(),
  public_url: z.string().nullable().describe('address that clients and devices use, when PUBLIC_URL says it'),
  database: z.enum(['embedded', 'external']),
  redis: z.boolean(),
})
export type GatewayAnswer = z.infer<typeof gatewayAnswer>

/** What only the running gateway can know; `sallyport doctor` and `config show` ask for it. */
export const diagnosticsAnswer = z.strictObject({
  untrusted_real_ip_peers: z
    .array(z.strictObject({ address: z.string(), count: z.number().int(), last_seen_at: timestamp }))
    .describe('peers that sent X-Real-IP without being listed in TRUSTED_PROXY_IPS, since the last start'),
  live_settings: z
    .array(z.keyof(settingsAnswer))
    .describe('settings changed live: they win over the environment'),
})
export type DiagnosticsAnswer = z.infer<typeof diagnosticsAnswer>
