// `sallyport logs`: the requests that a binding refused, as a table or as a CSV file.
import { type InterceptItem, interceptItem, pageOf } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { exportToFile } from './export-file.ts'
import { type Column, describeEmptyPage, formatList, formatTime, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import type { Terminal } from './terminal.ts'

type LogOptions = RemoteOptions & {
  q?: string
  ip?: string
  from?: string
  to?: string
  page?: string
  pageSize?: string
  export?: string
}

const columns: readonly Column<InterceptItem>[] = [
  { title: 'TIME', cell: (row) => formatTime(row.created_at) },
  { title: 'TOKEN', cell: (row) => row.token_display },
  { title: 'FROM', cell: (row) => row.client_ip },
  { title: 'REASON', cell: (row) => row.reason },
  { title: 'ALLOWED', cell: (row) => formatList(row.allowed_ips) },
  { title: 'TIMES', cell: (row) => String(row.count), align: 'right' },
  { title: 'ALERTED', cell: (row) => (row.alerted ? 'yes' : 'no') },
  { title: 'CALL', cell: (row) => `${row.method} ${row.path}` },
  { title: 'REQUEST', cell: (row) => row.request_id },
]

export function defineLogs(command: Command, terminal: Terminal): void {
  addRemoteOptions(command)
    .option('--q <text>', 'token as it is shown, or its beginning')
    .option('--ip <address>', 'address that called, or a CIDR that holds it')
    .option('--from <time>', 'from this date or time on, e.g. 2026-11-20 or 2026-11-20T08:00:00Z')
    .option('--to <time>', 'before this time, or up to the end of this date')
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .option('--export <file>', 'write everything that matches to FILE as CSV; - for standard output')
    .action(async (options: LogOptions) => {
      await (options.export === undefined
        ? list(terminal, options)
        : exportCsv(terminal, options, options.export))
    })
}

async function list(terminal: Terminal, options: LogOptions): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  const query = { ...filterOf(options), page: options.page, page_size: options.pageSize }
  const answer = await client.call('GET', '/admin/api/logs', pageOf(interceptItem), { query })
  const empty = describeEmptyPage(answer.value, 'No refused requests.')
  printPage(terminal, answer, { json: options.json, columns, empty })
}

async function exportCsv(terminal: Terminal, options: LogOptions, file: string): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  await exportToFile(terminal, client.download('/admin/api/logs/export', filterOf(options)), file)
}

function filterOf({ q, ip, from, to }: LogOptions): Record<string, string | undefined> {
  return { q, ip, from, to }
}
