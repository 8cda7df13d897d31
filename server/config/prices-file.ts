// Prices in the configuration file: decimal text, checked here and turned into whole millionths by who charges them.
import { z } from 'zod'
import { parseDecimal } from '../lib/decimal.ts'

/** An amount that is this large was written by mistake. */
const amountMax = 1_000_000n

const decimal = (places: number, example: string) => {
  const message = `must be a decimal number in quotes, such as "${example}": not negative, at most ${amountMax}, at most ${places} decimal places`
  return z.string({ error: message }).refine((text) => {
    const units = parseDecimal(text, places)
    return units !== null && units <= amountMax * 10n ** BigInt(places)
  }, message)
}

const eur = decimal(6, '0.01')
const usdPerMillion = decimal(6, '2.50')
const tokens = z.number().int().min(1).max(100_000_000)
const modelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/, 'must be the name of a model')
const providerName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be the name of a provider')

/** Endpoints of ours that have a price for each call. */
export const pricedEndpoints = ['/api/video/buffer', '/api/video/analyze', '/api/alert'] as const

const rates = {
  input: usdPerMillion,
  cached_input: usdPerMillion.optional().describe('default: as input'),
  output: usdPerMillion,
}

export const modelPriceEntry = z.strictObject({
  ...rates,
  long: z
    .strictObject({ above_tokens: tokens, ...rates })
    .optional()
    .describe('rates of the whole call when its input is longer than this'),
  context_window: tokens.describe('input tokens of one call at most'),
  max_output: z.number().int().min(0).max(100_000_000).describe('output tokens of one answer at most'),
})
export type ModelPriceEntry = z.output<typeof modelPriceEntry>

export const pricesSection = z
  .strictObject({
    currency_factor: decimal(6, '0.92')
      .refine((text) => (parseDecimal(text, 6) ?? 0n) > 0n, 'must not be 0')
      .default('1')
      .describe('EUR for one USD'),
    endpoints: z
      .partialRecord(z.enum(pricedEndpoints, { error: `must be one of ${pricedEndpoints.join(', ')}` }), eur)
      .prefault({})
      .describe('EUR for each call'),
    calls: z
      .record(providerName, eur)
      .prefault({})
      .describe('EUR for each call of a provider that is priced by call'),
    models: z
      .record(providerName, z.record(modelName, modelPriceEntry))
      .prefault({})
      .describe('USD per million tokens, by provider and model: added to the table, or in place of its rows'),
  })
  .prefault({})
