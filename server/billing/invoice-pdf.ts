// An invoice as PDF: A4, as many pages as its lines need, the same bytes each time.
import type { WholeInvoice } from './invoice-rows.ts'
import { type Fact, type InvoiceView, type LineView, viewInvoice } from './invoice-view.ts'
import { createTextWriter, type TextStyle, type TextWriter } from './pdf-text.ts'

const page = { width: 595.28, height: 841.89, margin: 56 }
const inner = page.width - 2 * page.margin
const bottom = page.height - 84
const accent = '#0f5c6e'
const gray = '#5b6579'
const standard: TextStyle = { size: 9.5 }
const label: TextStyle = { size: 8, color: gray }

/** Left edge and width of each column of the lines. */
const columns = {
  description: { x: page.margin, width: 230 },
  quantity: { x: page.margin + 235, width: 65 },
  unitPrice: { x: page.margin + 305, width: 85 },
  amount: { x: page.margin + 395, width: inner - 395 },
} as const

type Sheet = { doc: PDFKit.PDFDocument; text: TextWriter; view: InvoiceView }

export async function renderPdf(invoice: WholeInvoice): Promise<Buffer> {
  const view = viewInvoice(invoice)
  // Loaded with the first invoice: it takes 10 MB that a gateway without bills need not have.
  const { default: PDFDocument } = await import('pdfkit')
  const doc = new PDFDocument({
    size: [page.width, page.height],
    margin: 0,
    bufferPages: true,
    lang: view.language,
    displayTitle: true,
    info: {
      Title: `${view.title} ${view.number}`,
      Author: view.seller.name,
      // Of the invoice, not of this moment: a document that is drawn again is the same.
      CreationDate: new Date(invoice.item.issued_at),
    },
  })
  const finished = collect(doc)
  const sheet: Sheet = { doc, text: createTextWriter(doc), view }
  let y = drawHead(sheet)
  y = drawLines(sheet, y + 24)
  y = drawTotals(sheet, y + 10)
  drawPayment(sheet, y + 22)
  drawFooters(sheet)
  doc.end()
  return finished
}

function collect(doc: PDFKit.PDFDocument): Promise<Buffer> {
  const parts: Buffer[] = []
  return new Promise((resolve, reject) => {
    doc.on('data', (part: Buffer) => parts.push(part))
    doc.on('end', () => resolve(Buffer.concat(parts)))
    doc.on('error', reject)
  })
}

function drawHead({ doc, text, view }: Sheet): number {
  const { margin } = page
  doc.rect(0, 0, page.width, 6).fill(accent)
  text.write(view.title, { x: margin, y: 48, width: 300 }, { size: 24, weight: 'bold' })
  const y = text.write(
    view.number,
    { x: margin, y: 84, width: 300 },
    { size: 11, weight: 'bold', color: accent },
  )
  const half = inner / 2 - 12
  const ends = [
    drawParty(text, { x: margin, y: y + 22, width: half }, view.words.from, view.seller),
    drawParty(text, { x: margin + half + 24, y: y + 22, width: half }, view.words.billTo, view.buyer),
  ]
  return drawFacts(text, { x: margin, y: Math.max(...ends) + 18, width: inner }, view.facts)
}

type Box = { x: number; y: number; width: number }

function drawParty(text: TextWriter, box: Box, title: string, party: InvoiceView['seller']): number {
  let y = text.write(title.toUpperCase(), box, label) + 3
  y = text.write(party.name, { ...box, y }, { size: 11, weight: 'bold' })
  for (const line of party.lines) y = text.write(line, { ...box, y }, standard)
  return y
}

function drawFacts(text: TextWriter, box: Box, facts: readonly Fact[]): number {
  let y = box.y
  for (const fact of facts) {
    const below = text.write(fact.label, { x: box.x, y, width: 116 }, { ...standard, color: gray })
    y = Math.max(below, text.write(fact.value, { x: box.x + 124, y, width: box.width - 124 }, standard))
  }
  return y
}

function drawLines(sheet: Sheet, top: number): number {
  let y = drawLineHead(sheet, top)
  for (const line of sheet.view.lines) {
    const height = sheet.text.heightOf(line.description, columns.description.width, standard) + 10
    if (y + height > bottom) y = drawLineHead(sheet, startPage(sheet))
    y = drawLine(sheet, y, line, height)
  }
  return y
}

function drawLineHead({ doc, text, view: { words } }: Sheet, y: number): number {
  const style: TextStyle = { size: 9, weight: 'bold' }
  text.write(words.description, { ...columns.description, y }, style)
  text.write(words.quantity, { ...columns.quantity, y }, { ...style, align: 'right' })
  text.write(words.unitPrice, { ...columns.unitPrice, y }, { ...style, align: 'right' })
  text.write(words.amount, { ...columns.amount, y }, { ...style, align: 'right' })
  rule(doc, y + 18, accent, 1.2)
  return y + 19
}

function drawLine({ doc, text }: Sheet, y: number, line: LineView, height: number): number {
  const style: TextStyle = { ...standard, align: 'right' }
  text.write(line.description, { ...columns.description, y: y + 5 }, standard)
  text.write(line.quantity, { ...columns.quantity, y: y + 5 }, style)
  text.write(line.unitPrice, { ...columns.unitPrice, y: y + 5 }, style)
  text.write(line.amount, { ...columns.amount, y: y + 5 }, style)
  rule(doc, y + height, '#e3e7ed', 0.6)
  return y + height
}

function drawTotals(sheet: Sheet, top: number): number {
  const { doc, text, view } = sheet
  let y = makeRoom(sheet, top, view.totals.length * 18 + 40)
  const left = { x: columns.quantity.x - 60, width: 215 }
  const row = ({ label: name, value }: Fact, style: TextStyle) => {
    text.write(name, { ...left, y }, { ...style, align: 'right' })
    text.write(value, { ...columns.amount, y }, { ...style, align: 'right' })
  }
  for (const fact of view.totals) {
    row(fact, standard)
    y += 18
  }
  doc
    .moveTo(columns.quantity.x, y)
    .lineTo(page.width - page.margin, y)
    .lineWidth(1.2)
    .stroke(accent)
  y += 8
  row(view.amountDue, { size: 12.5, weight: 'bold' })
  return y + 20
}

function drawPayment(sheet: Sheet, top: number): void {
  const { doc, text, view } = sheet
  const box = { x: page.margin + 16, width: inner - 32 }
  const notes = view.notes.map((note) => text.heightOf(note, inner, standard) + 8)
  const height = text.heightOf(view.payment.text, box.width, standard) + view.payment.facts.length * 13.5 + 46
  let y = makeRoom(sheet, top, height + notes.reduce((sum, note) => sum + note, 12))
  doc.roundedRect(page.margin, y, inner, height, 5).fill('#eef5f6')
  let inside = text.write(view.words.payment.toUpperCase(), { ...box, y: y + 12 }, label) + 3
  inside = text.write(view.payment.text, { ...box, y: inside }, standard) + 5
  drawFacts(text, { ...box, y: inside }, view.payment.facts)
  y += height + 12
  for (const note of view.notes) {
    y = text.write(note, { x: page.margin, y, width: inner }, { ...standard, color: gray }) + 8
  }
}

function drawFooters({ doc, text, view }: Sheet): void {
  const { start, count } = doc.bufferedPageRange()
  for (let index = 0; index < count; index++) {
    doc.switchToPage(start + index)
    const y = page.height - 44
    rule(doc, y - 8, '#e3e7ed', 0.6)
    const half = inner / 2
    const left = `${view.seller.name} · ${view.number}`
    text.write(left.length > 70 ? view.number : left, { x: page.margin, y, width: half }, label)
    const right = { x: page.margin + half, y, width: half }
    text.write(view.words.page(index + 1, count), right, { ...label, align: 'right' })
  }
}

/** `y`, or the top of a new page when less than `height` is left. */
function makeRoom(sheet: Sheet, y: number, height: number): number {
  return y + height > bottom ? startPage(sheet) : y
}

function startPage({ doc }: Sheet): number {
  doc.addPage()
  doc.rect(0, 0, page.width, 6).fill(accent)
  return page.margin
}

function rule(doc: PDFKit.PDFDocument, y: number, color: string, width: number): void {
  doc
    .moveTo(page.margin, y)
    .lineTo(page.width - page.margin, y)
    .lineWidth(width)
    .stroke(color)
}
