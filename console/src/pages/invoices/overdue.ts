// Whether an invoice should have been paid by now.
import type { InvoiceItem } from '@sallyport/contract'

/** A credit note is nothing that a client pays. */
export function isOverdue(
  { kind, state, due_on }: Pick<InvoiceItem, 'kind' | 'state' | 'due_on'>,
  today: string,
): boolean {
  const isOpen = state === 'issued' || state === 'sent'
  return kind === 'invoice' && isOpen && due_on < today
}
