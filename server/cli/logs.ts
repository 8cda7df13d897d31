// `sallyport logs`: the requests that a binding refused, as a table or as a CSV file.
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type InterceptItem, interceptItem, pageOf } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { type Column, formatList, formatPageLine, formatTable, formatTime } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

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
  if (options.json) return printLine(terminal, answer.text)
  if (answer.value.items.length === 0) {
    const none = answer.value.total === 0
    return printLine(terminal, none ? 'No refused requests.' : 'This page is empty.')
  }
  printLine(terminal, formatTable(columns, answer.value.items))
  printLine(terminal, formatPageLine(answer.value))
}

async function exportCsv(terminal: Terminal, options: LogOptions, file: string): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  const body = Readable.from(client.download('/admin/api/logs/export', filterOf(options)))
  if (file === '-') return await pipeline(body, terminal.stdout, { end: false })
  // Written beside and renamed when whole, so that a broken export never looks like a finished one.
  const draft = `${file}.part`
  try {
    await pipeline(body, createWriteStream(draft, { mode: 0o600 }))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  printLine(terminal, `Written to ${file}.`)
}

function filterOf({ q, ip, from, to }: LogOptions): Record<string, string | undefined> {
  return { q, ip, from, to }
}
