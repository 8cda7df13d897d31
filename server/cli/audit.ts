// `sallyport audit …`: what admins changed, and the check that no row of that record was altered or removed.
import { type AuditItem, auditItem, auditVerifyAnswer, pageOf } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { CommandFailure } from './failure.ts'
import { type Column, describeEmptyPage, formatPageLine, formatTable, formatTime } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

/** Every row is read and its signature computed anew. */
const verifyDeadlineMs = 300_000

type ListOptions = RemoteOptions & { action?: string; page?: string; pageSize?: string }

const columns: readonly Column<AuditItem>[] = [
  { title: 'ID', cell: (row) => String(row.id), align: 'right' },
  { title: 'TIME', cell: (row) => formatTime(row.created_at) },
  { title: 'ACTOR', cell: (row) => row.actor },
  { title: 'FROM', cell: (row) => row.address ?? '-' },
  { title: 'ACTION', cell: (row) => row.action },
  { title: 'TARGET', cell: (row) => row.target ?? '-' },
]

export function defineAudit(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list changes, newest first'))
    .option('--action <name>', 'only this kind of change')
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => await list(terminal, options))
  addRemoteOptions(command.command('verify').description('check that no row was altered or removed')).action(
    async (options: RemoteOptions) => await verify(terminal, options),
  )
}

async function list(terminal: Terminal, options: ListOptions): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  const query = { action: options.action, page: options.page, page_size: options.pageSize }
  const answer = await client.call('GET', '/admin/api/audit', pageOf(auditItem), { query })
  if (options.json) return printLine(terminal, answer.text)
  if (answer.value.items.length === 0) {
    return printLine(terminal, describeEmptyPage(answer.value, 'No changes are recorded.'))
  }
  printLine(terminal, formatTable(columns, answer.value.items))
  printLine(terminal, `${formatPageLine(answer.value)} Before and after: --json`)
}

async function verify(terminal: Terminal, options: RemoteOptions): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  const { value, text } = await client.call('GET', '/admin/api/audit/verify', auditVerifyAnswer, {
    deadlineMs: verifyDeadlineMs,
  })
  if (options.json) printLine(terminal, text)
  else if (value.ok) printLine(terminal, `The audit log is whole: ${value.rows} rows.`)
  if (value.ok) return
  throw new CommandFailure(
    `the audit log is broken: row ${value.first_bad_id} was altered, or rows before it were removed. Compare with a backup`,
  )
}
