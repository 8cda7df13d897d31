// `sallyport prices`: what calls and tokens cost, as the gateway counts them.
import { type ModelPriceItem, type PricesAnswer, pricesAnswer } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { type Column, formatMoney, formatTable } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type PricesOptions = RemoteOptions & { provider?: string }

const columns: readonly Column<ModelPriceItem>[] = [
  { title: 'PROVIDER', cell: (row) => row.provider },
  { title: 'MODEL', cell: (row) => row.model },
  { title: 'INPUT', cell: (row) => formatMoney(row.input_micros), align: 'right' },
  { title: 'CACHED', cell: (row) => formatMoney(row.cached_input_micros), align: 'right' },
  { title: 'OUTPUT', cell: (row) => formatMoney(row.output_micros), align: 'right' },
  { title: 'CONTEXT', cell: (row) => String(row.context_window), align: 'right' },
  { title: 'MAX OUTPUT', cell: (row) => String(row.max_output), align: 'right' },
  { title: 'LONG FROM', cell: (row) => String(row.long?.above_tokens ?? '-'), align: 'right' },
  { title: 'FROM', cell: (row) => row.source },
]

export function definePrices(command: Command, terminal: Terminal): void {
  addRemoteOptions(command)
    .option('--provider <name>', 'of one provider only')
    .action(async (options: PricesOptions) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { value, text } = await gateway.call('GET', '/admin/api/prices', pricesAnswer)
      if (options.json) return printLine(terminal, text)
      const { provider } = options
      if (provider === undefined) printCalls(terminal, value)
      const models = value.models.filter((row) => provider === undefined || row.provider === provider)
      if (models.length === 0) return printLine(terminal, `No model of ${provider} has a price.`)
      printLine(terminal, 'Each million tokens:')
      printLine(terminal, formatTable(columns, models))
      printLine(
        terminal,
        `\nPrices from "default" were read on ${value.default_prices_date}; one USD counts as ${value.currency_factor} EUR.`,
      )
    })
}

function printCalls(terminal: Terminal, { endpoints, calls }: PricesAnswer): void {
  const rows = [
    ...endpoints.map(({ endpoint, price_micros }) => ({ name: endpoint, price_micros })),
    ...calls.map(({ provider, price_micros }) => ({ name: provider, price_micros })),
  ]
  const table = formatTable(
    [
      { title: 'EACH CALL OF', cell: (row) => row.name },
      { title: 'PRICE', cell: (row) => formatMoney(row.price_micros), align: 'right' },
    ],
    rows,
  )
  printLine(terminal, `${table}\n`)
}
