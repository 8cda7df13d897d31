// The mail that tells a client that a budget is nearly spent.
import { formatDecimal } from '../lib/decimal.ts'
import type { BudgetWarning } from './budget-warning.ts'

export function describeBudgetWarning(
  { period, spentMicros, budgetMicros, startsAt }: BudgetWarning,
  clientName: string,
): { subject: string; text: string } {
  const word = period === 'day' ? 'daily' : 'monthly'
  const spent = formatDecimal(spentMicros, 6, 2)
  const budget = formatDecimal(budgetMicros, 6, 2)
  return {
    subject: `Your ${word} budget is nearly spent: ${spent} of ${budget} EUR`,
    text: [
      `${clientName},`,
      '',
      `calls of the ${period} that began at ${startsAt} cost ${spent} EUR so far, of a budget of ${budget} EUR.`,
      'Calls that the rest does not cover are refused (402 budget_exceeded) until the next period begins or the operator raises the budget.',
      '',
    ].join('\n'),
  }
}
