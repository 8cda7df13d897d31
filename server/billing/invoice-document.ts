// What an invoice says beside its figures, as it was when it was issued: seller, buyer, period, how to pay.
import { type IsoWeek, type PaymentDetails, paymentFrequency, paymentMethod } from '@sallyport/contract'
import { z } from 'zod'
import type { Config } from '../config/config.ts'
import { dayAfter, daysOf } from './week.ts'

const text = z.string().nullable()

export const invoiceDocument = z.object({
  language: z.enum(['en', 'zh', 'fr']),
  seller: z.object({ name: z.string(), address: z.array(z.string()), email: text, taxId: text }),
  bank: z.object({ accountHolder: z.string(), iban: text, bic: text, name: text }),
  buyer: z.object({
    name: z.string(),
    externalId: z.string(),
    email: text,
    address: z.array(z.string()),
    taxId: text,
  }),
  payment: z.object({
    method: paymentMethod,
    frequency: paymentFrequency,
    iban: text,
    accountHolder: text,
    mandateReference: text,
  }),
  period: z.object({ from: z.iso.date(), to: z.iso.date() }),
  issuedOn: z.iso.date(),
  tax: z.object({ percent: z.string(), label: text }).nullable(),
  note: text,
})
export type InvoiceDocument = z.infer<typeof invoiceDocument>

/** Who is billed, as the identity room knows it. */
export type Buyer = { id: number; name: string; external_id: string; email: string | null }

export type IssueMoment = { nowMs: number; week: IsoWeek }

export function createDocument(
  billing: Config['billing'],
  buyer: Buyer,
  details: Omit<PaymentDetails, 'client_id'>,
  { nowMs, week }: IssueMoment,
): { document: InvoiceDocument; dueOn: string } {
  const { seller, bank, time_zone: zone } = billing
  const document: InvoiceDocument = {
    language: billing.language,
    seller: { name: seller.name, address: seller.address, email: seller.email, taxId: seller.tax_id },
    bank: {
      accountHolder: bank.account_holder ?? seller.name,
      iban: bank.iban,
      bic: bank.bic,
      name: bank.name,
    },
    buyer: {
      ...{ name: buyer.name, externalId: buyer.external_id, email: buyer.email },
      ...{ address: details.billing_address, taxId: details.tax_id },
    },
    payment: {
      method: details.method,
      frequency: details.frequency,
      iban: details.iban,
      accountHolder: details.account_holder,
      mandateReference: details.mandate_reference,
    },
    period: daysOf(week),
    issuedOn: dayAfter(nowMs, zone, { days: 0, fromEndOfMonth: false }),
    tax: billing.tax_percent === null ? null : { percent: billing.tax_percent, label: billing.tax_label },
    note: billing.note,
  }
  const fromEndOfMonth = details.frequency === 'monthly'
  return { document, dueOn: dayAfter(nowMs, zone, { days: billing.terms_days, fromEndOfMonth }) }
}

/** `"7.7"` → 770 hundredths of a percent. */
export function taxBasisPoints(percent: string | null): number {
  if (percent === null) return 0
  const [whole = '0', fraction = ''] = percent.split('.')
  return Number(whole) * 100 + Number(fraction.padEnd(2, '0'))
}
