// `sallyport usage`: metered calls and what they cost, as a table with sums or as a CSV file.
import { type UsageAnswer, type UsageEvent, usageAnswer } from '@sallyport/contract'
import type { Command } from 'commander'
import { type AdminClient, createAdminClient } from './admin-client.ts'
import { clientArgument, findClientId } from './client-reference.ts'
import { exportToFile } from './export-file.ts'
import {
  type Column,
  describeEmptyPage,
  formatMoney,
  formatPageLine,
  formatTable,
  formatTime,
} from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type UsageOptions = RemoteOptions & {
  client?: string
  endpoint?: string
  provider?: string
  model?: string
  outcome?: string
  from?: string
  to?: string
  page?: string
  pageSize?: string
  export?: string
}

/** A long time of all clients may have to be added up first. */
const deadlineMs = 30_000

const columns: readonly Column<UsageEvent>[] = [
  { title: 'TIME', cell: (row) => formatTime(row.created_at) },
  { title: 'CLIENT', cell: (row) => String(row.client_id), align: 'right' },
  { title: 'CREDENTIAL', cell: (row) => row.credential },
  { title: 'CALL', cell: (row) => `${row.method} ${row.endpoint}` },
  { title: 'MODEL', cell: (row) => row.model ?? '-' },
  { title: 'STATUS', cell: (row) => String(row.status), align: 'right' },
  { title: 'TOKENS', cell: formatTokens, align: 'right' },
  { title: 'COST', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
  { title: 'FLAGS', cell: (row) => row.flags.join(', ') || '-' },
  { title: 'REQUEST', cell: (row) => row.request_id },
]

const sumColumns: readonly Column<UsageAnswer['by_endpoint'][number]>[] = [
  { title: 'ENDPOINT', cell: (row) => row.endpoint },
  { title: 'CALLS', cell: (row) => String(row.calls), align: 'right' },
  { title: 'COST', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
]

export function defineUsage(command: Command, terminal: Terminal): void {
  addRemoteOptions(command)
    .option('--client <client>', clientArgument)
    .option('--endpoint <path>', 'only calls of this endpoint, e.g. /api/alert')
    .option('--provider <provider>', 'only calls to this provider')
    .option('--model <model>', 'only calls of this model')
    .option('--outcome <outcome>', 'answered or failed')
    .option('--from <time>', 'from this date or time on, e.g. 2026-11-20 or 2026-11-20T08:00:00Z')
    .option('--to <time>', 'before this time, or up to the end of this date')
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .option('--export <file>', 'write everything that matches to FILE as CSV; - for standard output')
    .action(async (options: UsageOptions) => {
      const client = createAdminClient(terminal, findTarget(terminal, options))
      const filter = await filterOf(client, options)
      if (options.export === undefined) return await list(terminal, client, { options, filter })
      await exportToFile(terminal, client.download('/admin/api/usage/export', filter), options.export)
    })
}

async function list(
  terminal: Terminal,
  client: AdminClient,
  { options, filter }: { options: UsageOptions; filter: object },
): Promise<void> {
  const query = { ...filter, page: options.page, page_size: options.pageSize }
  const { value, text } = await client.call('GET', '/admin/api/usage', usageAnswer, { query, deadlineMs })
  if (options.json) return printLine(terminal, text)
  if (value.items.length === 0) {
    return printLine(terminal, describeEmptyPage(value, 'No metered calls.'))
  }
  const { calls, cost_micros } = value.totals
  printLine(terminal, formatTable(columns, value.items))
  printLine(terminal, `${formatPageLine(value)}\n`)
  printLine(
    terminal,
    formatTable(sumColumns, [...value.by_endpoint, { endpoint: 'all', calls, cost_micros }]),
  )
}

async function filterOf(
  gateway: AdminClient,
  { client, endpoint, provider, model, outcome, from, to }: UsageOptions,
): Promise<Record<string, string | number | undefined>> {
  const clientId = await findClientId(gateway, client)
  return { client_id: clientId, endpoint, provider, model, outcome, from, to }
}

function formatTokens({ tokens_in, tokens_out }: UsageEvent): string {
  return tokens_in === null && tokens_out === null ? '-' : `${tokens_in ?? 0} + ${tokens_out ?? 0}`
}
