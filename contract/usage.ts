// Shapes of usage: the one event of each metered call, lists of them, and what they add up to.
import { z } from 'zod'
import { moment, pageOf, pageQuery, rowNumber } from './admin.ts'

const amount = z.number().int().nonnegative()
const moneyMicros = z.number().int().describe('millionths of EUR')

/** Text of an event is cut at these lengths, so that every event fits the room that was secured for it. */
export const usageTextCharactersMax = { endpoint: 256, model: 128 } as const

export const usageFlag = z.enum(['aborted', 'estimated', 'bounded', 'own_key'])

export const usageEvent = z.strictObject({
  id: z.uuid(),
  request_id: z.string().describe('X-Request-Id of the answer'),
  created_at: z.iso.datetime().describe('when the call began'),
  client_id: z.number().int(),
  credential: z.string().describe('such as api_key:7 or device:12'),
  endpoint: z.string(),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  method: z.string(),
  status: z.number().int(),
  duration_ms: amount,
  bytes_in: amount,
  bytes_out: amount,
  tokens_in: amount.nullable().describe('the cached ones too; null: none reported'),
  tokens_out: amount.nullable(),
  tokens_cached: amount.nullable(),
  unit_price_micros: moneyMicros.nullable().describe('price of a call; null: priced by token'),
  cost_micros: moneyMicros,
  provider_cost_micros: moneyMicros.nullable().describe('what the provider takes for it; null: unknown'),
  flags: z
    .array(usageFlag)
    .describe(
      'aborted: the client left or the upstream broke off; estimated: tokens counted from what passed; ' +
        'bounded: absurd reported usage was cut; own_key: paid by a key of the client',
    ),
})
export type UsageEvent = z.infer<typeof usageEvent>

const period = {
  from: moment.optional(),
  to: moment.optional().describe('a date means its end'),
}
const clientId = rowNumber.optional().describe('of one client')
const exactly = (max: number) => z.string().min(1).max(max).optional()
/** What the admin may narrow usage to; texts are compared as a whole. */
const filter = {
  client_id: clientId,
  endpoint: exactly(usageTextCharactersMax.endpoint),
  provider: exactly(64),
  model: exactly(usageTextCharactersMax.model),
  outcome: z
    .enum(['answered', 'failed'])
    .optional()
    .describe('failed: a status of 400 and above, or left by the client before it was answered'),
}

/** What a client asks of its own usage. */
export const ownUsageQuery = z.strictObject({ ...pageQuery, ...period })
export const usageQuery = z.strictObject({ ...pageQuery, ...period, ...filter })
export const usageExportQuery = z.strictObject({ ...period, ...filter })
export type UsageQuery = z.infer<typeof usageQuery>
export type UsageExportQuery = z.infer<typeof usageExportQuery>

const sums = { calls: amount, cost_micros: moneyMicros }

export const usageAnswer = z.strictObject({
  ...pageOf(usageEvent).shape,
  totals: z.strictObject(sums),
  by_endpoint: z.array(z.strictObject({ endpoint: z.string(), ...sums })),
})
export type UsageAnswer = z.infer<typeof usageAnswer>

const day = z.iso.date({ error: 'must be a date such as 2026-01-31' })
/** Both days included; at most a year of them. */
export const usageDaysQuery = z.strictObject({
  ...filter,
  from: day.optional().describe('29 days before `to` unless given'),
  to: day.optional().describe('today unless given'),
})
export type UsageDaysQuery = z.infer<typeof usageDaysQuery>

export const usageDaysAnswer = z.strictObject({
  time_zone: z.string().describe('in which the days begin'),
  days: z.array(z.strictObject({ date: z.iso.date(), ...sums })).describe('those without calls too'),
})
export type UsageDaysAnswer = z.infer<typeof usageDaysAnswer>

/** Header row of the CSV export; the order is part of the contract. */
export const usageCsvColumns = [
  'id',
  'created_at',
  'request_id',
  'client_id',
  'credential',
  'endpoint',
  'provider',
  'model',
  'method',
  'status',
  'duration_ms',
  'bytes_in',
  'bytes_out',
  'tokens_in',
  'tokens_out',
  'tokens_cached',
  'unit_price_micros',
  'cost_micros',
  'provider_cost_micros',
  'flags',
] as const satisfies readonly (keyof UsageEvent)[]
