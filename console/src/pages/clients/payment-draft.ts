// Payment details as they stand in a form, and as the server takes them.
import {
  formatIban,
  isIban,
  normaliseIban,
  type PaymentDetails,
  type PaymentDetailsRequest,
} from '@sallyport/contract'

export type PaymentDraft = Pick<PaymentDetails, 'method' | 'frequency'> & {
  iban: string
  accountHolder: string
  mandateReference: string
  /** One line of the address a line. */
  billingAddress: string
  taxId: string
}

/** Names of the fields as the server calls them in its errors. */
export const paymentFields = [
  'method',
  'frequency',
  'iban',
  'account_holder',
  'mandate_reference',
  'billing_address',
  'tax_id',
] as const

export function toPaymentDraft(details: PaymentDetails): PaymentDraft {
  const { method, frequency, iban } = details
  return {
    ...{ method, frequency },
    iban: iban === null ? '' : formatIban(iban),
    accountHolder: details.account_holder ?? '',
    mandateReference: details.mandate_reference ?? '',
    billingAddress: details.billing_address.join('\n'),
    taxId: details.tax_id ?? '',
  }
}

/** What was left empty is not given. */
export function paymentRequestOf(draft: PaymentDraft): PaymentDetailsRequest {
  const { method, frequency, iban, accountHolder, mandateReference, billingAddress, taxId } = draft
  return {
    ...{ method, frequency },
    iban: normaliseIban(iban) || null,
    account_holder: accountHolder.trim() || null,
    mandate_reference: mandateReference.trim() || null,
    billing_address: readLines(billingAddress),
    tax_id: taxId.trim() || null,
  }
}

/** Null: the account is right, or not needed. */
export function ibanProblem({
  method,
  iban,
}: Pick<PaymentDraft, 'method' | 'iban'>): 'missing' | 'wrong' | null {
  const account = normaliseIban(iban)
  if (account) return isIban(account) ? null : 'wrong'
  return method === 'direct_debit' ? 'missing' : null
}

function readLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
}
