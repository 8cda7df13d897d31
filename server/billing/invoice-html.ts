// An invoice as one HTML page without script or outside files: good in a browser, on paper and in a mail.
import type { WholeInvoice } from './invoice-rows.ts'
import { type Fact, type InvoiceView, viewInvoice } from './invoice-view.ts'

const style = `
  :root { color-scheme: light }
  body { margin: 0; background: #f4f5f7; color: #1d2433; font: 15px/1.5 "Noto Sans", "Helvetica Neue", Arial, "Noto Sans SC", "PingFang SC", sans-serif }
  main { max-width: 760px; margin: 32px auto; padding: 48px; background: #fff; border-radius: 8px }
  h1 { margin: 0; font-size: 28px; font-weight: 600 }
  .number { margin: 2px 0 28px; color: #0f5c6e; font-weight: 600 }
  .parties { width: 100%; border-collapse: collapse; margin-bottom: 28px }
  .parties td { width: 33%; padding: 0 16px 0 0; vertical-align: top }
  .label { display: block; color: #5b6579; font-size: 12px; letter-spacing: .04em; text-transform: uppercase }
  .name { font-weight: 600 }
  .facts { border-collapse: collapse }
  .facts th { padding: 1px 16px 1px 0; color: #5b6579; font-weight: 400; text-align: left; vertical-align: top }
  .facts td { padding: 1px 0; overflow-wrap: anywhere }
  .lines { width: 100%; margin: 28px 0 12px; border-collapse: collapse }
  .lines th { padding: 8px; border-bottom: 2px solid #0f5c6e; font-weight: 600; text-align: right }
  .lines td { padding: 8px; border-bottom: 1px solid #e3e7ed; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
  .lines th:first-child, .lines td:first-child { padding-left: 0; text-align: left; white-space: normal; overflow-wrap: anywhere }
  .lines th:last-child, .lines td:last-child { padding-right: 0 }
  .totals { margin: 0 0 32px auto; border-collapse: collapse }
  .totals th, .totals td { padding: 4px 0 4px 32px; font-weight: 400; text-align: right; font-variant-numeric: tabular-nums }
  .totals tr:last-child th, .totals tr:last-child td { padding-top: 10px; border-top: 2px solid #0f5c6e; font-size: 18px; font-weight: 600 }
  .payment { padding: 16px 20px; background: #eef5f6; border-radius: 6px }
  .payment p { margin: 0 0 8px }
  .notes { color: #5b6579 }
  @media print { body { background: #fff } main { margin: 0; padding: 0 } }
  @media (max-width: 600px) { main { margin: 0; padding: 20px; border-radius: 0 } .parties td { display: block; width: auto; margin-bottom: 16px } }`

export function renderHtml(invoice: WholeInvoice): string {
  const view = viewInvoice(invoice)
  const { words, title, number, seller, buyer, facts, totals, amountDue, payment, notes } = view
  return `<!doctype html>
<html lang="${view.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} ${escapeHtml(number)}</title>
<style>${style}
</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="number">${escapeHtml(number)}</p>
<table class="parties" role="presentation"><tr>
<td>${party(words.from, seller)}</td>
<td>${party(words.billTo, buyer)}</td>
</tr></table>
${factTable(facts)}
${lineTable(view)}
<table class="totals">${[...totals, amountDue].map(factRow).join('')}</table>
<section class="payment">
<p><span class="label">${escapeHtml(words.payment)}</span>${escapeHtml(payment.text)}</p>
${factTable(payment.facts)}
</section>
${notes.map((note) => `<p class="notes">${escapeHtml(note)}</p>`).join('\n')}
</main>
</body>
</html>
`
}

function party(label: string, { name, lines }: InvoiceView['seller']): string {
  const texts = [`<span class="name">${escapeHtml(name)}</span>`, ...lines.map(escapeHtml)]
  return `<span class="label">${escapeHtml(label)}</span>${texts.join('<br>')}`
}

function factTable(facts: readonly Fact[]): string {
  return facts.length === 0 ? '' : `<table class="facts">${facts.map(factRow).join('')}</table>`
}

function factRow({ label, value }: Fact): string {
  return `<tr><th scope="row">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`
}

function lineTable({ words, lines }: InvoiceView): string {
  const head = [words.description, words.quantity, words.unitPrice, words.amount]
  const rows = lines.map(({ description, quantity, unitPrice, amount }) =>
    [description, quantity, unitPrice, amount].map((text) => `<td>${escapeHtml(text)}</td>`).join(''),
  )
  return `<table class="lines">
<thead><tr>${head.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row}</tr>`).join('\n')}</tbody>
</table>`
}

const entities: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
