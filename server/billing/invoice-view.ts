// An invoice as its reader sees it: every text and figure in place, for HTML, PDF and mail alike.
import { formatIban, type InvoiceLine } from '@sallyport/contract'
import type { WholeInvoice } from './invoice-rows.ts'
import {
  formatCount,
  formatDay,
  formatMoney,
  type InvoiceWords,
  invoiceWords,
  type Language,
} from './invoice-words.ts'

export type Fact = { label: string; value: string }
export type LineView = { description: string; quantity: string; unitPrice: string; amount: string }
export type InvoiceView = {
  language: Language
  words: InvoiceWords
  title: string
  number: string
  seller: { name: string; lines: string[] }
  buyer: { name: string; lines: string[] }
  facts: Fact[]
  lines: LineView[]
  totals: Fact[]
  amountDue: Fact
  payment: { text: string; facts: Fact[] }
  /** Sentences under everything. */
  notes: string[]
}

export function viewInvoice({ item, document }: WholeInvoice): InvoiceView {
  const { language, seller, buyer, period } = document
  const words = invoiceWords[language]
  const day = (text: string) => formatDay(text, language)
  const isCreditNote = item.kind === 'credit_note'
  const issuedOn = isCreditNote ? item.issued_at.slice(0, 10) : document.issuedOn
  return {
    language,
    words,
    title: isCreditNote ? words.creditNote : words.invoice,
    number: item.number,
    seller: {
      name: seller.name,
      lines: [
        ...seller.address,
        ...labelled(words.taxId, seller.taxId),
        ...(seller.email === null ? [] : [seller.email]),
      ],
    },
    buyer: {
      name: buyer.name,
      lines: [
        ...buyer.address,
        ...labelled(words.taxId, buyer.taxId),
        ...(buyer.email === null ? [] : [buyer.email]),
      ],
    },
    facts: [
      { label: words.number, value: item.number },
      { label: words.issued, value: day(issuedOn) },
      { label: words.period, value: `${day(period.from)} – ${day(period.to)}` },
      { label: words.week, value: item.week },
      { label: words.reference, value: `${buyer.externalId} (${item.client_id})` },
      ...(isCreditNote ? [] : [{ label: words.due, value: day(item.due_on) }]),
    ],
    lines: item.lines.map((line) => viewLine(line, words, language)),
    ...viewTotals({ item, document }),
    payment: viewPayment({ item, document }),
    notes: [
      ...(item.cancels === null ? [] : [words.cancels(item.cancels)]),
      ...(document.note === null ? [] : [document.note]),
    ],
  }
}

function labelled(label: string, value: string | null): string[] {
  return value === null ? [] : [`${label}: ${value}`]
}

function viewLine(line: InvoiceLine, words: InvoiceWords, language: Language): LineView {
  const { endpoint, provider, model, quantity, unit_price_micros: price, total_micros: total } = line
  const isFree = total === 0
  const byTokens = price === null ? words.perTokens : formatMoney(price, language)
  return {
    description: endpoint ?? (model === null ? (provider ?? '') : `${provider} · ${model}`),
    quantity: formatCount(quantity, language),
    unitPrice: isFree ? words.free : byTokens,
    amount: formatMoney(total, language),
  }
}

function viewTotals({
  item,
  document: { language, tax },
}: Pick<WholeInvoice, 'item' | 'document'>): Pick<InvoiceView, 'totals' | 'amountDue'> {
  const words = invoiceWords[language]
  const money = (micros: number) => formatMoney(micros, language)
  const taxRow = tax && {
    label: `${tax.label ?? words.tax} ${tax.percent} %`,
    value: money(item.tax_micros),
  }
  return {
    totals: [
      { label: words.calls, value: formatCount(item.calls, language) },
      { label: words.total, value: money(item.total_micros) },
      ...(taxRow ? [taxRow] : []),
    ],
    amountDue: { label: words.amountDue, value: money(item.due_micros) },
  }
}

function viewPayment({ item, document }: Pick<WholeInvoice, 'item' | 'document'>): InvoiceView['payment'] {
  const { language, payment, bank } = document
  const words = invoiceWords[language]
  if (item.due_micros === 0) return { text: words.nothingDue, facts: [] }
  if (item.due_micros < 0) return { text: words.refund, facts: [] }
  if (payment.method === 'credit_card') return { text: words.creditCard, facts: [] }
  const purpose = { label: words.purpose, value: item.number }
  if (payment.method === 'direct_debit') {
    const account = payment.iban === null ? '' : maskIban(payment.iban)
    const mandate = payment.mandateReference
    const facts = mandate === null ? [purpose] : [{ label: words.mandate, value: mandate }, purpose]
    return { text: words.directDebit(account), facts }
  }
  return {
    text: words.bankTransfer(formatDay(item.due_on, language)),
    facts: [
      { label: words.accountHolder, value: bank.accountHolder },
      ...(bank.iban === null ? [] : [{ label: 'IBAN', value: formatIban(bank.iban) }]),
      ...(bank.bic === null ? [] : [{ label: 'BIC', value: bank.bic }]),
      ...(bank.name === null ? [] : [{ label: words.bank, value: bank.name }]),
      purpose,
    ],
  }
}

/** Country and last four: enough to know one's own account. */
function maskIban(iban: string): string {
  return `${iban.slice(0, 2)}…${iban.slice(-4)}`
}
