// `sallyport invoices …`: runs of a week, what was issued, and what happens to it.
import {
  type InvoiceItem,
  type InvoiceLine,
  invoiceItem,
  invoiceNumber,
  invoicePayRequest,
  invoiceRunAnswer,
  invoiceRunRequest,
  invoicesPage,
} from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { checkBody } from './arguments.ts'
import { clientArgument, findClientId } from './client-reference.ts'
import { confirm } from './confirm.ts'
import { exportToFile } from './export-file.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { createProgressBar } from './progress-bar.ts'
import { type Column, formatMoney, formatTable, formatTime, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

const path = '/admin/api/invoices'
/** Ten million events take most of a minute; a machine may be slower. */
const runDeadlineMs = 600_000
const barStepMs = 1000
const barSteps = 60

const columns: readonly Column<InvoiceItem>[] = [
  { title: 'NUMBER', cell: (row) => row.number },
  { title: 'KIND', cell: (row) => (row.kind === 'invoice' ? 'invoice' : `credit note of ${row.cancels}`) },
  { title: 'CLIENT', cell: (row) => String(row.client_id), align: 'right' },
  { title: 'CALLS', cell: (row) => String(row.calls), align: 'right' },
  { title: 'TOTAL', cell: (row) => formatMoney(row.total_micros), align: 'right' },
  { title: 'DUE', cell: (row) => formatMoney(row.due_micros), align: 'right' },
  { title: 'STATE', cell: (row) => (row.mail_error === null ? row.state : `${row.state}, mail refused`) },
  { title: 'ISSUED', cell: (row) => formatTime(row.issued_at) },
]

const lineColumns: readonly Column<InvoiceLine>[] = [
  { title: 'FOR', cell: (row) => row.endpoint ?? [row.provider, row.model].filter(Boolean).join(' ') },
  { title: 'CALLS', cell: (row) => String(row.quantity), align: 'right' },
  {
    title: 'UNIT PRICE',
    cell: (row) => (row.unit_price_micros === null ? 'by tokens' : formatMoney(row.unit_price_micros)),
    align: 'right',
  },
  { title: 'TOTAL', cell: (row) => formatMoney(row.total_micros), align: 'right' },
]

export function defineInvoices(command: Command, terminal: Terminal): void {
  defineRun(command, terminal)
  defineList(command, terminal)
  defineShow(command, terminal)
  defineChanges(command, terminal)
}

function defineRun(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('run').description('issue the invoices of a week that are missing'))
    .requiredOption('--week <week>', 'ISO week, e.g. 2025-W40')
    .option('--dry-run', 'show what would be issued, and issue nothing')
    .option('--allow-open', 'also a week that is not over; its later events are billed next')
    .action(async (options: RemoteOptions & { week: string; dryRun?: true; allowOpen?: true }) => {
      const { week, dryRun = false, allowOpen = false } = options
      const body = checkBody(invoiceRunRequest, { week, dry_run: dryRun, allow_open: allowOpen })
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const call = gateway.call('POST', `${path}/run`, invoiceRunAnswer, { body, deadlineMs: runDeadlineMs })
      const answer = await showTime(terminal, call)
      if (options.json) return printLine(terminal, answer.text)
      const { invoices } = answer.value
      if (invoices.length === 0) return printLine(terminal, `Nothing was used in ${week}: no invoices.`)
      printLine(terminal, formatTable(columns, invoices))
      const total = formatMoney(invoices.reduce((sum, { due_micros }) => sum + due_micros, 0))
      const verb = dryRun ? 'would be issued or are' : 'are issued'
      printLine(terminal, `${invoices.length} invoices ${verb}, ${total} in all.`)
    })
}

/** The database adds up in one step, so what can be shown is that it goes on: a second is one of sixty. */
async function showTime<Value>(terminal: Terminal, work: Promise<Value>): Promise<Value> {
  const bar = createProgressBar(terminal, 'seconds of about a minute at most')
  let seconds = 0
  const timer = setInterval(() => {
    seconds = Math.min(seconds + 1, barSteps - 1)
    bar.show({ done: seconds, total: barSteps })
  }, barStepMs)
  try {
    return await work
  } finally {
    clearInterval(timer)
    bar.end()
  }
}

type ListOptions = RemoteOptions & {
  client?: string
  week?: string
  state?: string
  page?: string
  pageSize?: string
  export?: string
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list invoices and credit notes'))
    .option('--client <client>', `only those of a client: ${clientArgument}`)
    .option('--week <week>', 'only those of a week, e.g. 2025-W40')
    .option('--state <state>', 'issued, sent, paid or void')
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .option('--export <file>', 'write the lines of all that match to FILE as CSV; - for standard output')
    .action(async (options: ListOptions) => {
      const { client, week, state, page, pageSize } = options
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const clientId = await findClientId(gateway, client)
      const filter = { client_id: clientId, week, state }
      if (options.export !== undefined) {
        return await exportToFile(terminal, gateway.download(`${path}/export`, filter), options.export)
      }
      const query = { ...filter, page, page_size: pageSize }
      const answer = await gateway.call('GET', path, invoicesPage, { query })
      printPage(terminal, answer, { json: options.json, columns, empty: 'No invoices.' })
    })
}

function defineShow(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('show').description('one invoice with its lines'))
    .argument('<number>', 'number of the invoice', parseNumber)
    .option('--pdf <file>', 'write its PDF to FILE; - for standard output')
    .action(async (number: string, options: RemoteOptions & { pdf?: string }) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      if (options.pdf !== undefined) {
        return await exportToFile(terminal, gateway.download(`${path}/${number}.pdf`, {}), options.pdf)
      }
      const answer = await gateway.call('GET', `${path}/${number}`, invoiceItem)
      if (options.json) return printLine(terminal, answer.text)
      printLine(terminal, formatTable(columns, [answer.value]))
      printLine(terminal, '')
      printLine(terminal, formatTable(lineColumns, answer.value.lines))
    })
}

function defineChanges(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('send').description('mail an invoice to its client, again if need be'))
    .argument('<number>', 'number of the invoice', parseNumber)
    .action((number: string, options: RemoteOptions) => change(terminal, options, { number, verb: 'send' }))

  addRemoteOptions(command.command('pay').description('mark an invoice as paid'))
    .argument('<number>', 'number of the invoice', parseNumber)
    .requiredOption('--date <date>', 'day of the payment, e.g. 2025-10-15')
    .requiredOption('--reference <text>', 'where to find it, e.g. the number of the bank statement')
    .action(async (number: string, options: RemoteOptions & { date: string; reference: string }) => {
      const { date, reference } = options
      const body = checkBody(invoicePayRequest, { date, reference })
      await change(terminal, options, { number, verb: 'pay', body })
    })

  addRemoteOptions(command.command('void').description('take an invoice back by a full credit note'))
    .argument('<number>', 'number of the invoice', parseNumber)
    .option('--yes', 'do not ask')
    .action(async (number: string, options: RemoteOptions & { yes?: true }) => {
      const consequence = `${number} becomes void for good, and what it was for is not billed again.`
      await confirm(terminal, { consequence, expected: number, yes: options.yes === true })
      await change(terminal, options, { number, verb: 'void' })
    })
}

async function change(
  terminal: Terminal,
  options: RemoteOptions,
  { number, verb, body }: { number: string; verb: 'send' | 'pay' | 'void'; body?: object },
): Promise<void> {
  const gateway = createAdminClient(terminal, findTarget(terminal, options))
  const given = body ? { body } : {}
  const answer = await gateway.call('POST', `${path}/${number}/${verb}`, invoiceItem, given)
  if (options.json) return printLine(terminal, answer.text)
  if (verb === 'send') printLine(terminal, 'Queued for the mail server:')
  printLine(terminal, formatTable(columns, [answer.value]))
}

function parseNumber(text: string): string {
  const parsed = invoiceNumber.safeParse(text)
  if (parsed.success) return parsed.data
  throw new CommandFailure(
    `"${text}" is not the number of an invoice. 'sallyport invoices list' shows them in the first column`,
    exitCodes.usage,
  )
}
