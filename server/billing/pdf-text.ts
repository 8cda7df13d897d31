// Text on a PDF page in several scripts: each run of characters in a font that has them, wrapped at words.
import { join } from 'node:path'

/** What is used of a pdfkit document. */
type Document = PDFKit.PDFDocument

const folder = join(import.meta.dirname, 'fonts')
const files = {
  regular: join(folder, 'noto-sans-regular.ttf'),
  bold: join(folder, 'noto-sans-bold.ttf'),
  cjk: join(folder, 'noto-sans-sc-regular.ttf'),
}

export type Weight = 'regular' | 'bold'
export type TextStyle = { size: number; weight?: Weight; color?: string; align?: 'left' | 'right' }
export type TextBox = { x: number; y: number; width: number }

/** Chinese and Japanese, with their punctuation and full-width forms; the other fonts have none of them. */
const cjk =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\u3000-\u303f\u30fb-\u30ff\uff00-\uffef]+/gu

const leading = 1.4

export type TextWriter = {
  /** Writes the lines of `text` and answers the y below them. */
  write(text: string, box: TextBox, style: TextStyle): number
  /** Height that `write` would take. */
  heightOf(text: string, width: number, style: TextStyle): number
}

export function createTextWriter(doc: Document): TextWriter {
  doc.registerFont('regular', files.regular)
  doc.registerFont('bold', files.bold)

  /** Read only when it is needed: it is large. */
  let hasCjk = false
  function use(font: Weight | 'cjk', size: number): Document {
    if (font === 'cjk' && !hasCjk) {
      doc.registerFont('cjk', files.cjk)
      hasCjk = true
    }
    return doc.font(font).fontSize(size)
  }

  const runsOf = (text: string, weight: Weight) =>
    splitRuns(text).map(({ part, isCjk }) => ({ part, font: isCjk ? ('cjk' as const) : weight }))
  const widthOf = (text: string, { size, weight = 'regular' }: TextStyle) =>
    runsOf(text, weight).reduce((sum, { part, font }) => sum + use(font, size).widthOfString(part), 0)
  const linesOf = (text: string, width: number, style: TextStyle) =>
    text.split('\n').flatMap((line) => wrap(line, width, (part) => widthOf(part, style)))

  return {
    heightOf: (text, width, style) => linesOf(text, width, style).length * style.size * leading,
    write(text, { x, y, width }, style) {
      const { size, weight = 'regular', color = '#1d2433', align = 'left' } = style
      let top = y
      for (const line of linesOf(text, width, style)) {
        let left = align === 'right' ? x + width - widthOf(line, style) : x
        for (const { part, font } of runsOf(line, weight)) {
          use(font, size).fillColor(color).text(part, left, top, { lineBreak: false, baseline: 'top' })
          left += doc.widthOfString(part)
        }
        top += size * leading
      }
      return top
    },
  }
}

function splitRuns(text: string): { part: string; isCjk: boolean }[] {
  const runs: { part: string; isCjk: boolean }[] = []
  let end = 0
  for (const match of text.matchAll(cjk)) {
    if (match.index > end) runs.push({ part: text.slice(end, match.index), isCjk: false })
    runs.push({ part: match[0], isCjk: true })
    end = match.index + match[0].length
  }
  if (end < text.length) runs.push({ part: text.slice(end), isCjk: false })
  return runs
}

/** Breaks at spaces, between Chinese characters, and inside a word that is wider than a line. */
function wrap(text: string, width: number, widthOf: (part: string) => number): string[] {
  const lines: string[] = []
  let line = ''
  const put = (piece: string) => {
    if (line !== '' && widthOf(line + piece.trimEnd()) > width) {
      lines.push(line.trimEnd())
      line = ''
    }
    line += line === '' ? piece.trimStart() : piece
  }
  for (const word of text.match(/\p{Script=Han}|[^\s\p{Script=Han}]+\s*|\s+/gu) ?? []) {
    if (widthOf(word.trimEnd()) <= width) put(word)
    else for (const character of word) put(character)
  }
  return [...lines, line.trimEnd()]
}
