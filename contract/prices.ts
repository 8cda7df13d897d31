// Shapes of prices and budgets: the table as it counts, and what is left of a client's budgets.
import { z } from 'zod'
import { clientBudgets, micros } from './clients.ts'

const timestamp = z.iso.datetime()
const rates = {
  input_micros: micros.describe('millionths of EUR per million tokens'),
  cached_input_micros: micros,
  output_micros: micros,
}

export const modelPriceItem = z.strictObject({
  provider: z.string(),
  model: z.string(),
  ...rates,
  long: z
    .strictObject({ above_tokens: z.number().int(), ...rates })
    .nullable()
    .describe('rates of the whole call when its input is longer'),
  context_window: z.number().int(),
  max_output: z.number().int(),
  source: z.enum(['default', 'config']),
})
export type ModelPriceItem = z.infer<typeof modelPriceItem>

export const pricesAnswer = z.strictObject({
  currency: z.literal('EUR'),
  currency_factor: z.string().describe('EUR for one USD'),
  default_prices_date: z.string().describe('when the prices of source "default" were read'),
  endpoints: z.array(z.strictObject({ endpoint: z.string(), price_micros: micros })),
  calls: z.array(z.strictObject({ provider: z.string(), price_micros: micros })),
  models: z.array(modelPriceItem),
})
export type PricesAnswer = z.infer<typeof pricesAnswer>

/** Both are given whole: what is left out is no budget. */
export const budgetsRequest = clientBudgets

export const budgetState = z.strictObject({
  period: z.enum(['day', 'month']),
  starts_at: timestamp,
  ends_at: timestamp,
  budget_micros: micros.nullable().describe('null: none'),
  spent_micros: z.number().int().nullable().describe('null: cannot be told at the moment'),
  reserved_micros: z.number().int().nullable().describe('for calls that are not over yet'),
})
export type BudgetState = z.infer<typeof budgetState>

export const budgetsAnswer = z.strictObject({ client_id: z.number().int(), periods: z.array(budgetState) })
export type BudgetsAnswer = z.infer<typeof budgetsAnswer>
