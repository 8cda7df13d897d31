// The section `billing` of the YAML file: who issues invoices, how they are paid, in which zone weeks begin.
import { iban } from '@sallyport/contract'
import { z } from 'zod'

const line = z.string().trim().min(1).max(120)

export const billingSection = z
  .strictObject({
    time_zone: z
      .string()
      .refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC')
      .default('UTC')
      .describe('where weeks begin and end, and Monday 06:00 is'),
    language: z.enum(['en', 'zh', 'fr']).default('en').describe('language of invoices'),
    terms_days: z.number().int().min(0).max(365).default(14).describe('days to pay'),
    seller: z
      .strictObject({
        name: line.default('Sallyport').describe('who issues the invoices'),
        address: z.array(line).max(6).default([]).describe('lines under the name'),
        email: z.email().max(254).nullable().default(null),
        tax_id: z.string().trim().min(1).max(40).nullable().default(null),
      })
      .prefault({}),
    bank: z
      .strictObject({
        account_holder: line.nullable().default(null).describe('null: the seller’s name'),
        iban: iban.nullable().default(null).describe('account for bank transfers'),
        bic: z
          .string()
          .regex(/^[A-Z0-9]{8}([A-Z0-9]{3})?$/, 'must be a BIC of 8 or 11 capital letters and digits')
          .nullable()
          .default(null),
        name: line.nullable().default(null).describe('name of the bank'),
      })
      .prefault({}),
    tax_percent: z
      .string()
      .regex(/^\d{1,2}(\.\d{1,2})?$/, 'must be a percentage in quotes, such as "19" or "7.7"')
      .nullable()
      .default(null)
      .describe('tax added to the total; null: no tax line'),
    tax_label: line.nullable().default(null).describe('null: VAT in the language of the invoice'),
    note: z.string().trim().min(1).max(1000).nullable().default(null).describe('sentence under the total'),
  })
  .prefault({})

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
