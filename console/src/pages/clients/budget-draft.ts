// Budgets as they stand in a form.
import type { BudgetState } from '@sallyport/contract'
import { amountText } from '../../composables/money.ts'

export const budgetNames = ['day_micros', 'month_micros'] as const
type BudgetName = (typeof budgetNames)[number]
export type BudgetDraft = Record<BudgetName, string>

export function toBudgetDraft(
  periods: readonly Pick<BudgetState, 'period' | 'budget_micros'>[],
): BudgetDraft {
  const textOf = (period: BudgetState['period']) => {
    const budget = periods.find((state) => state.period === period)?.budget_micros ?? null
    return budget === null ? '' : amountText(budget)
  }
  return { day_micros: textOf('day'), month_micros: textOf('month') }
}
