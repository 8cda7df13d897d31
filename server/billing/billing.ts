// Door of the billing room: invoices of each week, credit notes, payment details, and the documents that go out.
import type {
  InvoiceItem,
  InvoiceLinesExportQuery,
  InvoiceRunRequest,
  InvoicesQuery,
  IsoWeek,
  PaymentDetails,
  PaymentDetailsRequest,
} from '@sallyport/contract'
import { parseIsoWeek, paymentDetailsRequest } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { MailOutbox } from '../notify/notify.ts'
import type { Page, Queryable, Store } from '../store/store.ts'
import { createInvoiceChanges, type InvoiceChanges, type RecordBillingChange } from './invoice-changes.ts'
import type { Buyer, IssueMoment } from './invoice-document.ts'
import { type OpenedInvoice, openInvoice } from './invoice-file.ts'
import { issueInvoices } from './invoice-issue.ts'
import { scheduleInvoices } from './invoice-job.ts'
import { type ExportedLine, exportLines, listInvoices } from './invoice-lists.ts'
import { createInvoiceMailing } from './invoice-mail.ts'
import { createInvoiceRun, type InvoiceRun } from './invoice-run.ts'
import { lockNumbersNow } from './number-lock.ts'
import { readPaymentDetails, removePaymentDetails, writePaymentDetails } from './payment-details.ts'
import { weekAt } from './week.ts'

export type { RecordBillingChange } from './invoice-changes.ts'
export type { Buyer } from './invoice-document.ts'
export type { OpenedInvoice } from './invoice-file.ts'
export type { ExportedLine } from './invoice-lists.ts'

export type Billing = InvoiceChanges & {
  /** Every invoice of the week, after what was missing has been issued. Throws AppError `week_open` or `malformed_request`. */
  run(request: InvoiceRunRequest, record: RecordBillingChange): Promise<InvoiceItem[]>
  /** Newest first. */
  list(query: InvoicesQuery): Promise<Page<InvoiceItem>>
  exportLines(query: InvoiceLinesExportQuery): AsyncIterable<ExportedLine[]>
  /** By number, perhaps with `.html` or `.pdf`. Null when there is none; for a client (not null) also when it is another's. */
  open(clientId: number | null, name: string): Promise<OpenedInvoice | null>
  /** Null: there is no such client. */
  readPaymentDetails(clientId: number): Promise<PaymentDetails | null>
  writePaymentDetails(
    clientId: number,
    details: PaymentDetailsRequest,
    record: RecordBillingChange,
  ): Promise<PaymentDetails | null>
  /** The client goes with `tx`: what it used and was not billed is invoiced first, or dropped. Its invoices stay. */
  removeClient(tx: Queryable, client: { clientId: number; usage: 'invoice' | 'drop' }): Promise<void>
}

export type BillingDependencies = {
  config: Pick<Config, 'billing'>
  store: Pick<Store, 'database' | 'jobs'>
  notify: MailOutbox
  usage: {
    sealPosition(tx: Queryable): Promise<number>
    take(tx: Queryable, request: { before: Date; seqUpTo: number }): Promise<void>
    takeLast(tx: Queryable, clientId: number): Promise<void>
  }
  /** Those of `ids` that exist; in one query. */
  describeClients(queryable: Queryable, ids: readonly number[]): Promise<Buyer[]>
  clock: Clock
  logger: Logger
}

export async function createBilling(dependencies: BillingDependencies): Promise<Billing> {
  const { config, store, notify, usage, describeClients, clock, logger } = dependencies
  const { database, jobs } = store
  const { billing } = config
  const mailing = await createInvoiceMailing({ database, jobs, notify, describeClients })
  const shared = { database, clock, describeClients, isMailConfigured: notify.isMailConfigured }
  const run = createInvoiceRun({ ...shared, ...mailing, billing, usage })
  await scheduleInvoices({ jobs, database, run, timeZone: billing.time_zone, clock, logger })

  return {
    ...createInvoiceChanges({ ...shared, ...mailing }),
    ...createPaymentDetails(dependencies),
    run: (request, record) => runWeek(run, request, record),
    list: (query) => listInvoices(database, query),
    exportLines: (query) => exportLines(database, query),
    open: (clientId, name) => openInvoice(database, clientId, name),
    async removeClient(tx, { clientId, usage: wish }) {
      await usage.takeLast(tx, clientId)
      if (wish === 'invoice') {
        await lockNumbersNow(tx)
        const moment: IssueMoment = { nowMs: clock.now(), week: weekAt(clock.now(), billing.time_zone) }
        const isMailed = notify.isMailConfigured()
        const count = await issueInvoices({ billing, describeClients }, tx, {
          ...moment,
          isFinal: true,
          isMailed,
        })
        if (count > 0 && isMailed) await mailing.enqueueMailing(tx, `client ${clientId}`)
      }
      await removePaymentDetails(tx, clientId)
    },
  }
}

async function runWeek(
  run: InvoiceRun,
  { week: text, dry_run, allow_open: allowOpen }: InvoiceRunRequest,
  record: RecordBillingChange,
): Promise<InvoiceItem[]> {
  const week: IsoWeek | null = parseIsoWeek(text)
  if (!week) throw new Error(`not a week: ${text}`)
  if (dry_run) return run.preview({ week, allowOpen })
  await run.issue({ week, allowOpen }, async (tx, count) => {
    const after = { week: text, invoices: count }
    if (count > 0) await record(tx, { action: 'invoice.run', target: `week ${text}`, before: null, after })
  })
  return run.list(week)
}

function createPaymentDetails({
  store,
  describeClients,
}: BillingDependencies): Pick<Billing, 'readPaymentDetails' | 'writePaymentDetails'> {
  const { database } = store
  const read = async (queryable: Queryable, clientId: number): Promise<PaymentDetails> => {
    const details = (await readPaymentDetails(queryable, [clientId])).get(clientId)
    return { client_id: clientId, ...(details ?? paymentDetailsRequest.parse({})) }
  }
  const isClient = async (queryable: Queryable, clientId: number) =>
    (await describeClients(queryable, [clientId])).length > 0
  return {
    readPaymentDetails: async (clientId) =>
      (await isClient(database, clientId)) ? read(database, clientId) : null,
    writePaymentDetails: (clientId, details, record) =>
      database.transaction(async (tx) => {
        if (!(await isClient(tx, clientId))) return null
        const before = await read(tx, clientId)
        await writePaymentDetails(tx, clientId, details)
        const after = { client_id: clientId, ...details }
        await record(tx, { action: 'client.payment_details', target: `client ${clientId}`, before, after })
        return after
      }),
  }
}
