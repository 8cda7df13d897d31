// Rows of invoices and their lines, and what the code makes of them.
import type { InvoiceItem, InvoiceLine } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import { type InvoiceDocument, invoiceDocument } from './invoice-document.ts'

export type InvoiceRow = {
  id: number
  client_id: number
  kind: InvoiceItem['kind']
  week: string
  number: string
  state: InvoiceItem['state']
  calls: number
  total_micros: number
  tax_micros: number
  due_micros: number
  issued_at: Date
  due_on: string
  cancels: string | null
  cancelled_by: string | null
  sent_at: Date | null
  mail_error: string | null
  paid_on: string | null
  paid_reference: string | null
}

/** Of `invoices`; the table goes by this name in its queries. */
export const invoiceColumns = `id, client_id, kind, week, number, state, calls, total_micros, tax_micros, due_micros, issued_at, due_on,
  cancels, (select c.number from invoices c where c.cancels = invoices.number) as cancelled_by,
  sent_at, mail_error, paid_on, paid_reference`

/** With their lines, in the order of `rows`. */
export async function withLines(queryable: Queryable, rows: readonly InvoiceRow[]): Promise<InvoiceItem[]> {
  const { rows: lines } = await queryable.query<InvoiceLine & { invoice_id: number }>(
    `select invoice_id, endpoint, provider, model, quantity, unit_price_micros, total_micros
     from invoice_lines where invoice_id = any($1::bigint[]) order by invoice_id, position`,
    [rows.map(({ id }) => id)],
  )
  const byInvoice = new Map<number, InvoiceLine[]>(rows.map(({ id }) => [id, []]))
  for (const { invoice_id: id, ...line } of lines) byInvoice.get(id)?.push(line)
  return rows.map((row) => toItem(row, byInvoice.get(row.id) ?? []))
}

function toItem({ id: _id, ...row }: InvoiceRow, lines: InvoiceLine[]): InvoiceItem {
  return {
    ...row,
    lines,
    issued_at: row.issued_at.toISOString(),
    sent_at: row.sent_at?.toISOString() ?? null,
  }
}

export type WholeInvoice = { id: number; item: InvoiceItem; document: InvoiceDocument }

/** Null when there is none, or it is not the client's. A null `clientId` is an admin, who sees all. */
export async function findInvoice(
  queryable: Queryable,
  clientId: number | null,
  key: { number: string } | { id: number },
): Promise<WholeInvoice | null> {
  const [column, value] = 'id' in key ? ['id', key.id] : ['number', key.number]
  const { rows } = await queryable.query<InvoiceRow & { document: string }>(
    `select ${invoiceColumns}, document from invoices
     where ($1::bigint is null or client_id = $1) and ${column} = $2`,
    [clientId, value],
  )
  const [found] = rows
  if (!found) return null
  const { document, ...row } = found
  const [item] = await withLines(queryable, [row])
  return item ? { id: row.id, item, document: invoiceDocument.parse(JSON.parse(document)) } : null
}
