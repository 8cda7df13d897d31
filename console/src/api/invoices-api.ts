// Invoices: the routes of the admin API as typed functions.
import type { InvoiceItem, InvoiceRunAnswer } from '@sallyport/contract'
import type { Page } from './admin-api.ts'
import { type Query, request, urlOf } from './request.ts'

/** Ten million calls take a good part of a minute to add up; the gateway itself gives up after this. */
const runTimeoutMs = 600_000

export type RunRequest = { week: string; allow_open: boolean }

const pathOf = (number: string) => `/invoices/${encodeURIComponent(number)}`

export const listInvoices = (query: Query, signal?: AbortSignal) =>
  request<Page<InvoiceItem>>('/invoices', { query, signal })
export const readInvoice = (number: string, signal?: AbortSignal) =>
  request<InvoiceItem>(pathOf(number), { signal })
/** What a run would issue; nothing is written. */
export const previewRun = (run: RunRequest) => sendRun({ ...run, dry_run: true })
export const runInvoices = (run: RunRequest) => sendRun({ ...run, dry_run: false })
export const sendInvoice = (number: string) =>
  request<InvoiceItem>(`${pathOf(number)}/send`, { method: 'POST' })
export const payInvoice = (number: string, payment: { date: string; reference: string }) =>
  request<InvoiceItem>(`${pathOf(number)}/pay`, { method: 'POST', body: payment })
/** Answers the credit note. */
export const voidInvoice = (number: string) =>
  request<InvoiceItem>(`${pathOf(number)}/void`, { method: 'POST' })

/** Address of the invoice's document. */
export const invoiceFileUrl = (number: string, ending: 'html' | 'pdf') => urlOf(`${pathOf(number)}.${ending}`)
/** Address of the CSV file of lines; the browser downloads it as it streams. */
export const invoiceLinesUrl = (query: Query) => urlOf('/invoices/export', query)

const sendRun = (body: RunRequest & { dry_run: boolean }) =>
  request<InvoiceRunAnswer>('/invoices/run', { method: 'POST', body, timeoutMs: runTimeoutMs })
