// Mails of invoices: handed to the outbox in parts after a run, written with their PDF when they are sent.
import type { Mail, MailOutbox } from '../notify/notify.ts'
import type { Database, Jobs, Queryable } from '../store/store.ts'
import type { Buyer } from './invoice-document.ts'
import { renderMailText } from './invoice-mail-text.ts'
import { renderPdf } from './invoice-pdf.ts'
import { findInvoice, type WholeInvoice } from './invoice-rows.ts'

const mailingQueue = 'invoice-mailing'
const mailKind = 'invoice'
const mailsPerPart = 100

export type MailingDependencies = {
  database: Database
  jobs: Pick<Jobs, 'queue' | 'enqueue'>
  notify: MailOutbox
  describeClients(tx: Queryable, ids: readonly number[]): Promise<Buyer[]>
}

export type InvoiceMailing = {
  enqueueMailing(tx: Queryable, week: string): Promise<void>
  enqueueInvoice(
    tx: Queryable,
    invoice: { clientId: number; invoiceId: number; number: string },
  ): Promise<void>
  /** The client's address of today; that on the invoice when the client is gone. */
  findRecipient(queryable: Queryable, invoice: WholeInvoice): Promise<string | null>
}

type Reference = { clientId: number; invoiceId: number }

export async function createInvoiceMailing(dependencies: MailingDependencies): Promise<InvoiceMailing> {
  const { database, jobs, notify, describeClients } = dependencies

  const findRecipient: InvoiceMailing['findRecipient'] = async (queryable, { item, document }) => {
    const [client] = await describeClients(queryable, [item.client_id])
    return client ? client.email : document.buyer.email
  }
  const enqueueInvoice: InvoiceMailing['enqueueInvoice'] = (tx, { clientId, invoiceId, number }) =>
    notify.enqueueMail(tx, mailKind, { clientId, invoiceId } satisfies Reference, number)

  await jobs.queue(mailingQueue, async () => {
    while ((await handOver(database, enqueueInvoice)) === mailsPerPart);
  })
  await notify.registerMail<Reference>(
    mailKind,
    async ({ clientId, invoiceId }) => {
      const invoice = await findInvoice(database, clientId, { id: invoiceId })
      if (!invoice || invoice.item.state === 'void') return null
      const to = await findRecipient(database, invoice)
      return to === null ? null : await writeMail(invoice, to)
    },
    {
      delivered: async ({ clientId, invoiceId }) =>
        void (await database.query(
          `update invoices set sent_at = coalesce(sent_at, now()), mail_error = null,
             state = case when state = 'issued' then 'sent' else state end where client_id = $1 and id = $2`,
          [clientId, invoiceId],
        )),
      refused: async ({ clientId, invoiceId }, reason) =>
        void (await database.query('update invoices set mail_error = $3 where client_id = $1 and id = $2', [
          clientId,
          invoiceId,
          reason,
        ])),
    },
  )
  return {
    // Without a key: a mailing at work may have looked already.
    enqueueMailing: (tx, week) => jobs.enqueue(tx, mailingQueue, { week }),
    enqueueInvoice,
    findRecipient,
  }
}

/** In small transactions: what was handed over stays so when the process is killed. */
function handOver(database: Database, enqueue: InvoiceMailing['enqueueInvoice']): Promise<number> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<{ id: number; client_id: number; number: string }>(
      `select id, client_id, number from invoices where mail_queued_at is null
       order by id limit ${mailsPerPart} for update skip locked`,
    )
    for (const { id, client_id: clientId, number } of rows)
      await enqueue(tx, { clientId, invoiceId: id, number })
    await tx.query('update invoices set mail_queued_at = now() where id = any($1::bigint[])', [
      rows.map(({ id }) => id),
    ])
    return rows.length
  })
}

async function writeMail(invoice: WholeInvoice, to: string): Promise<Mail> {
  const content = await renderPdf(invoice)
  const attachment = { filename: `${invoice.item.number}.pdf`, contentType: 'application/pdf', content }
  return { to, ...renderMailText(invoice), attachments: [attachment] }
}
