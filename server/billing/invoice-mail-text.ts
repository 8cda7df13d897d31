// The mail that brings an invoice: few words, the figures that matter, the document attached.
import type { Mail } from '../notify/notify.ts'
import { renderHtml } from './invoice-html.ts'
import type { WholeInvoice } from './invoice-rows.ts'
import { viewInvoice } from './invoice-view.ts'
import { formatDay } from './invoice-words.ts'

export function renderMailText(invoice: WholeInvoice): Pick<Mail, 'subject' | 'text' | 'html'> {
  const { words, title, number, seller, amountDue, payment, language } = viewInvoice(invoice)
  const due = formatDay(invoice.item.due_on, language)
  const paragraphs = [
    words.mailText({ title, number, amount: amountDue.value, due }),
    [payment.text, ...payment.facts.map(({ label, value }) => `${label}: ${value}`)].join('\n'),
    `${words.greeting}\n${seller.name}`,
  ]
  return {
    subject: `${title} ${words.mailSubject(number, seller.name)}`,
    text: `${paragraphs.join('\n\n')}\n`,
    html: renderHtml(invoice),
  }
}
