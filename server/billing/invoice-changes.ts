// What happens to an issued invoice: mailed, paid, made void by a credit note. Its figures and words never change.
import { AppError, type InvoiceItem } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Database, Queryable } from '../store/store.ts'
import { numberOf } from './invoice-issue.ts'
import { findInvoice, type WholeInvoice } from './invoice-rows.ts'
import { lockNumbersNow } from './number-lock.ts'

/** Writes an admin's change into the audit chain, inside the transaction that makes the change. */
export type RecordBillingChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

/** Each answers the invoice as it then is; null for an unknown number. Throws AppError `conflict` for what its state forbids. */
export type InvoiceChanges = {
  /** Queues the mail again. Throws AppError `mail_not_configured`, or `conflict` for a client without an address. */
  send(number: string, record: RecordBillingChange): Promise<InvoiceItem | null>
  pay(
    number: string,
    payment: { date: string; reference: string },
    record: RecordBillingChange,
  ): Promise<InvoiceItem | null>
  /** Issues a full credit note in the same number series, and answers that. The events are not billed again. */
  void(number: string, record: RecordBillingChange): Promise<InvoiceItem | null>
}

export type ChangeDependencies = {
  database: Database
  clock: Clock
  isMailConfigured(): boolean
  /** Null: nobody to send it to. */
  findRecipient(queryable: Queryable, invoice: WholeInvoice): Promise<string | null>
  enqueueInvoice(
    tx: Queryable,
    invoice: { clientId: number; invoiceId: number; number: string },
  ): Promise<void>
}

export function createInvoiceChanges(dependencies: ChangeDependencies): InvoiceChanges {
  const { database, clock } = dependencies

  async function change(
    number: string,
    { action, record }: { action: string; record: RecordBillingChange },
    work: (tx: Queryable, invoice: WholeInvoice) => Promise<string | undefined>,
  ): Promise<InvoiceItem | null> {
    return database.transaction(async (tx) => {
      await tx.query('select 1 from invoices where number = $1 for update', [number])
      const found = await findInvoice(tx, null, { number })
      if (!found) return null
      const changed = (await work(tx, found)) ?? number
      const after = (await findInvoice(tx, null, { number: changed }))?.item ?? null
      await record(tx, {
        action,
        target: `invoice ${number}`,
        before: summaryOf(found.item),
        after: summaryOf(after),
      })
      return after
    })
  }

  return {
    send: (number, record) =>
      change(number, { action: 'invoice.send', record }, async (tx, invoice) => {
        if (!dependencies.isMailConfigured()) throw new AppError('mail_not_configured')
        refuseVoid(invoice.item)
        if ((await dependencies.findRecipient(tx, invoice)) === null)
          throw conflict(`The client of ${number} has no email address. Give it one first.`)
        const { id: invoiceId, item } = invoice
        await tx.query('update invoices set mail_error = null where client_id = $1 and id = $2', [
          item.client_id,
          invoiceId,
        ])
        await dependencies.enqueueInvoice(tx, { clientId: item.client_id, invoiceId, number })
      }),

    pay: (number, { date, reference }, record) =>
      change(number, { action: 'invoice.pay', record }, async (tx, { id, item }) => {
        refuseVoid(item)
        if (item.state === 'paid') throw conflict(`${number} is paid already.`)
        await tx.query(
          `update invoices set state = 'paid', paid_on = $3, paid_reference = $4 where client_id = $1 and id = $2`,
          [item.client_id, id, date, reference],
        )
      }),

    void: (number, record) =>
      change(number, { action: 'invoice.void', record }, async (tx, invoice) => {
        const { id, item } = invoice
        if (item.kind === 'credit_note')
          throw conflict(`${number} is a credit note, which cannot be made void.`)
        refuseVoid(item)
        await lockNumbersNow(tx)
        await tx.query(`update invoices set state = 'void' where client_id = $1 and id = $2`, [
          item.client_id,
          id,
        ])
        const note = await insertCreditNote(tx, invoice, new Date(clock.now()))
        if (dependencies.isMailConfigured() && (await dependencies.findRecipient(tx, invoice)) !== null)
          await dependencies.enqueueInvoice(tx, {
            clientId: item.client_id,
            invoiceId: note.id,
            number: note.number,
          })
        return note.number
      }),
  }
}

/** The same with every amount negative, under the next number of the week. */
async function insertCreditNote(tx: Queryable, { id, item }: WholeInvoice, now: Date) {
  const { rows } = await tx.query<{ id: number; number: string }>(
    `insert into invoices (client_id, kind, week, sequence, number, is_final, state, calls, total_micros, tax_micros,
       due_micros, issued_at, due_on, document, cancels, mail_queued_at)
     select i.client_id, 'credit_note', i.week, n.sequence, ${numberOf('i.week', 'n.sequence')}, i.is_final, 'issued',
       i.calls, -i.total_micros, -i.tax_micros, -i.due_micros, $3, i.due_on, i.document, i.number, $3
     from invoices i, (select max(sequence) + 1 as sequence from invoices where week = $4) n
     where i.client_id = $1 and i.id = $2
     returning id, number`,
    [item.client_id, id, now, item.week],
  )
  const [note] = rows
  if (!note) throw new Error(`the invoice ${item.number} has gone`)
  await tx.query(
    `insert into invoice_lines
       (client_id, invoice_id, position, endpoint, provider, model, quantity, unit_price_micros, total_micros)
     select client_id, $3, position, endpoint, provider, model, quantity, -unit_price_micros, -total_micros
     from invoice_lines where client_id = $1 and invoice_id = $2`,
    [item.client_id, id, note.id],
  )
  return note
}

function refuseVoid(item: InvoiceItem): void {
  if (item.state === 'void') throw conflict(`${item.number} is void, by ${item.cancelled_by}.`)
}

function conflict(message: string): AppError {
  return new AppError('conflict', { message })
}

/** Enough for the audit log; the lines stand in the invoice. */
function summaryOf(item: InvoiceItem | null) {
  if (!item) return null
  const { number, kind, client_id, state, total_micros, due_micros, paid_on, paid_reference, cancels } = item
  return { number, kind, client_id, state, total_micros, due_micros, paid_on, paid_reference, cancels }
}
