// `sallyport clients budget`: what a client may spend in a day and a month, and what is left of it.
import { type BudgetState, budgetsAnswer } from '@sallyport/contract'
import type { Command } from 'commander'
import { parseDecimal } from '../lib/decimal.ts'
import { createAdminClient } from './admin-client.ts'
import { clientArgument, findClient } from './client-reference.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { type Column, formatMoney, formatTable, formatTime } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type BudgetOptions = RemoteOptions & { day?: number; month?: number; none?: true }

const budgetMaxMicros = 1_000_000_000_000_000n

const formatOrDash = (micros: number | null) => (micros === null ? '-' : formatMoney(micros))

const columns: readonly Column<BudgetState>[] = [
  { title: 'PERIOD', cell: (state) => state.period },
  { title: 'BUDGET', cell: (state) => formatOrDash(state.budget_micros), align: 'right' },
  { title: 'SPENT', cell: (state) => formatOrDash(state.spent_micros), align: 'right' },
  { title: 'RESERVED', cell: (state) => formatOrDash(state.reserved_micros), align: 'right' },
  { title: 'UNTIL', cell: (state) => formatTime(state.ends_at) },
]

export function defineBudget(command: Command, terminal: Terminal): void {
  addRemoteOptions(
    command
      .command('budget')
      .description('show or set what a client may spend; setting one leaves the other as it is'),
  )
    .argument('<client>', clientArgument)
    .option('--day <eur>', 'budget of a day, e.g. 5.00', euros('--day'))
    .option('--month <eur>', 'budget of a month, e.g. 100', euros('--month'))
    .option('--none', 'take both budgets away')
    .action(async (reference: string, options: BudgetOptions) => {
      const { day, month, none } = options
      const isSetting = day !== undefined || month !== undefined
      if (none && isSetting) {
        throw new CommandFailure('give either --none or --day and --month', exitCodes.usage)
      }
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { id, settings } = await findClient(gateway, reference)
      const path = `/admin/api/clients/${id}/budgets`
      const body = none ? {} : { ...settings.budgets, ...setOnly({ day_micros: day, month_micros: month }) }
      const answer =
        none || isSetting
          ? await gateway.call('PUT', path, budgetsAnswer, { body })
          : await gateway.call('GET', path, budgetsAnswer)
      printLine(terminal, options.json ? answer.text : formatTable(columns, answer.value.periods))
    })
}

function setOnly(given: Record<string, number | undefined>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Decimal text, read exactly. */
function euros(option: string): (text: string) => number {
  return (text) => {
    const micros = parseDecimal(text, 6)
    if (micros !== null && micros <= budgetMaxMicros) return Number(micros)
    throw new CommandFailure(
      `${option}: "${text}" is not an amount of EUR such as 5.00, with at most 6 decimal places`,
      exitCodes.usage,
    )
  }
}
