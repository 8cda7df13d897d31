// How much of a budget is used, and whether that is much.
import type { BudgetState } from '@sallyport/contract'

export type BudgetShare = {
  budgetMicros: number
  /** Spent, and reserved for calls that are not over yet. */
  usedMicros: number
  leftMicros: number
  tone: 'plain' | 'warning' | 'danger'
}

/** From here on the client is warned, as the server does it. */
const warningShare = 0.8

/** Null: there is no budget, or what is spent can't be told. */
export function shareOf(state: BudgetState): BudgetShare | null {
  const { budget_micros: budgetMicros, spent_micros: spent, reserved_micros: reserved } = state
  if (budgetMicros === null || spent === null) return null
  const usedMicros = spent + (reserved ?? 0)
  const leftMicros = Math.max(0, budgetMicros - usedMicros)
  return { budgetMicros, usedMicros, leftMicros, tone: toneOf(usedMicros, budgetMicros) }
}

function toneOf(used: number, budget: number): BudgetShare['tone'] {
  if (used >= budget) return 'danger'
  return used >= budget * warningShare ? 'warning' : 'plain'
}
