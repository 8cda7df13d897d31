// Invoices as pages, and their lines as a stream.
import type { InvoiceItem, InvoiceLine, InvoiceLinesExportQuery, InvoicesQuery } from '@sallyport/contract'
import { type Conditions, createConditions, type Database, type Page, selectPage } from '../store/store.ts'
import { type InvoiceRow, invoiceColumns, withLines } from './invoice-rows.ts'

const rowsPerBatch = 1000

export type ExportedLine = InvoiceLine &
  Pick<InvoiceItem, 'number' | 'kind' | 'client_id' | 'week' | 'state' | 'issued_at'>

export async function listInvoices(database: Database, query: InvoicesQuery): Promise<Page<InvoiceItem>> {
  const page = await selectPage<InvoiceRow>(database, {
    table: 'invoices',
    columns: invoiceColumns,
    order: ['id'],
    conditions: conditionsOf(query),
    page: query.page,
    pageSize: query.page_size,
  })
  return { ...page, items: await withLines(database, page.items) }
}

export async function* exportLines(
  database: Database,
  query: InvoiceLinesExportQuery,
): AsyncGenerator<ExportedLine[]> {
  const { where, values } = conditionsOf(query)
  const batches = database.stream<Omit<ExportedLine, 'issued_at'> & { issued_at: Date }>(
    `select i.number, i.kind, i.client_id, i.week, i.state, i.issued_at,
       l.endpoint, l.provider, l.model, l.quantity, l.unit_price_micros, l.total_micros
     from (select * from invoices ${where}) i join invoice_lines l on l.invoice_id = i.id
     order by i.id, l.position`,
    values,
    rowsPerBatch,
  )
  for await (const rows of batches)
    yield rows.map((row) => ({ ...row, issued_at: row.issued_at.toISOString() }))
}

function conditionsOf({ client_id, week, state }: InvoiceLinesExportQuery): Conditions {
  const conditions = createConditions()
  if (client_id !== undefined) conditions.add((value) => `client_id = ${value}`, client_id)
  if (week !== undefined) conditions.add((value) => `week = ${value}`, week)
  if (state !== undefined) conditions.add((value) => `state = ${value}`, state)
  return conditions
}
