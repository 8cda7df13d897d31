// Shapes of invoices and payment details: admin routes and the client's own view.
import { z } from 'zod'
import { pageOf, pageQuery, rowNumber } from './admin.ts'
import { isIban, normaliseIban } from './iban.ts'
import { isoWeek } from './iso-week.ts'

const timestamp = z.iso.datetime()
const count = z.number().int().nonnegative()
const money = z.number().int().describe('millionths of EUR; negative on a credit note')

/** `2025-W40-001`: ISO week and running number within it, without gaps. */
export const invoiceNumber = z
  .string()
  .regex(/^2[01]\d\d-W\d\d-\d{3,9}$/, 'must be the number of an invoice, such as 2025-W40-001')

export const invoiceState = z.enum(['issued', 'sent', 'paid', 'void'])
export type InvoiceState = z.infer<typeof invoiceState>

export const invoiceLine = z.strictObject({
  endpoint: z.string().nullable().describe('an endpoint of the gateway; null on a line of a provider'),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  quantity: count.describe('calls'),
  unit_price_micros: money.nullable().describe('price of one call; null: priced by token'),
  total_micros: money,
})
export type InvoiceLine = z.infer<typeof invoiceLine>

export const invoiceItem = z.strictObject({
  number: z.string(),
  kind: z.enum(['invoice', 'credit_note']),
  client_id: z.number().int(),
  week: z.string(),
  calls: count,
  total_micros: money.describe('exact sum of the lines'),
  tax_micros: money,
  due_micros: money.describe('what is to be paid: the total rounded half up to the cent, and the tax'),
  state: invoiceState,
  lines: z.array(invoiceLine),
  issued_at: timestamp,
  due_on: z.iso.date(),
  sent_at: timestamp.nullable().describe('when the mail server took it'),
  mail_error: z.string().nullable().describe('why the mail server refused it for good'),
  paid_on: z.iso.date().nullable(),
  paid_reference: z.string().nullable(),
  cancels: z.string().nullable().describe('on a credit note: the number of the void invoice'),
  cancelled_by: z.string().nullable().describe('on a void invoice: the number of its credit note'),
})
export type InvoiceItem = z.infer<typeof invoiceItem>

export const invoicesPage = pageOf(invoiceItem)
export const ownInvoicesQuery = z.strictObject({ ...pageQuery })
export const invoicesQuery = z.strictObject({
  ...pageQuery,
  client_id: rowNumber.optional(),
  week: isoWeek.optional(),
  state: invoiceState.optional(),
})
export type InvoicesQuery = z.infer<typeof invoicesQuery>
export const invoiceLinesExportQuery = invoicesQuery.omit({ page: true, page_size: true })
export type InvoiceLinesExportQuery = z.infer<typeof invoiceLinesExportQuery>
/** The number, perhaps with `.html` or `.pdf` behind it. */
export const invoiceParams = z.strictObject({ number: z.string().max(64) })

export const invoiceRunRequest = z.strictObject({
  week: isoWeek,
  dry_run: z.boolean().default(false).describe('show what would be issued, and issue nothing'),
  allow_open: z
    .boolean()
    .default(false)
    .describe('also a week that is not over; its later events are billed next'),
})
export type InvoiceRunRequest = z.infer<typeof invoiceRunRequest>
export const invoiceRunAnswer = z.strictObject({ week: z.string(), invoices: z.array(invoiceItem) })
export type InvoiceRunAnswer = z.infer<typeof invoiceRunAnswer>

const reference = z.string().trim().min(1).max(200)
export const invoicePayRequest = z.strictObject({
  date: z.iso.date({ error: 'must be a date such as 2026-01-31' }),
  reference,
})

/** Taken with spaces and small letters, kept without. */
export const iban = z
  .string()
  .max(64)
  .transform(normaliseIban)
  .refine(isIban, 'is not a valid IBAN: check it for a typing error')

export const paymentMethod = z.enum(['bank_transfer', 'direct_debit', 'credit_card'])
export const paymentFrequency = z.enum(['weekly', 'monthly'])
export const paymentDetails = z.strictObject({
  client_id: z.number().int(),
  method: paymentMethod,
  frequency: paymentFrequency.describe(
    'monthly: what was issued in a month falls due together after its end',
  ),
  iban: z.string().nullable(),
  account_holder: z.string().nullable(),
  mandate_reference: z.string().nullable(),
  billing_address: z.array(z.string()),
  tax_id: z.string().nullable(),
})
export type PaymentDetails = z.infer<typeof paymentDetails>
const line = z.string().trim().min(1).max(120)
export const paymentDetailsRequest = z
  .strictObject({
    method: paymentMethod.default('bank_transfer'),
    frequency: paymentFrequency.default('weekly'),
    iban: iban.nullable().default(null),
    account_holder: line.nullable().default(null),
    mandate_reference: z.string().trim().min(1).max(35).nullable().default(null),
    billing_address: z.array(line).max(6).default([]).describe('lines under the name on the invoice'),
    tax_id: z.string().trim().min(1).max(40).nullable().default(null),
  })
  .refine(({ method, iban: account }) => method !== 'direct_debit' || account !== null, {
    path: ['iban'],
    error: 'is needed for direct debit',
  })
export type PaymentDetailsRequest = z.infer<typeof paymentDetailsRequest>

/** Header row of the CSV export of lines; the order is part of the contract. */
export const invoiceCsvColumns = [
  ...['number', 'kind', 'client_id', 'week', 'state', 'issued_at', 'endpoint', 'provider', 'model'],
  ...['quantity', 'unit_price_micros', 'total_micros'],
] as const
