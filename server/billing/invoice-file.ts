// What a number with or without an ending stands for: the invoice itself, or a document of it with its headers.
import type { InvoiceItem } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import { renderHtml } from './invoice-html.ts'
import { renderPdf } from './invoice-pdf.ts'
import { findInvoice } from './invoice-rows.ts'

export type OpenedInvoice = {
  item: InvoiceItem
  /** Null for a number without ending. */
  file: { body: string | Buffer; headers: Readonly<Record<string, string>> } | null
}

/** `name` is `2025-W40-001`, or that with `.html` or `.pdf`. Null as `findInvoice`. */
export async function openInvoice(
  queryable: Queryable,
  clientId: number | null,
  name: string,
): Promise<OpenedInvoice | null> {
  const [, number = '', ending] = /^([0-9W-]{1,32}?)(?:\.(html|pdf))?$/.exec(name) ?? []
  const invoice = await findInvoice(queryable, clientId, { number })
  if (!invoice) return null
  const { item } = invoice
  if (ending === 'pdf') {
    const disposition = `attachment; filename="${item.number}.pdf"`
    const headers = { 'content-type': 'application/pdf', 'content-disposition': disposition }
    return { item, file: { body: await renderPdf(invoice), headers } }
  }
  if (ending === 'html') {
    const headers = {
      'content-type': 'text/html; charset=utf-8',
      // Names in it were given by others: nothing of it may run or load anything.
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox",
    }
    return { item, file: { body: renderHtml(invoice), headers } }
  }
  return { item, file: null }
}
