// CSV that opens safely in a spreadsheet (RFC 4180).

/** One line with its line end. A cell that a spreadsheet would take for a formula is marked as text. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/**
 * The reader gets a piece when it is this long. Texts of more than 128 kB V8 keeps apart from short-lived things: those of a
 * million rows stayed until the next full collection, some 90 MB of them.
 */
const pieceLength = 32_000

/**
 * A piece is formatted only when the reader has taken the one before. The header waits for the first batch, so that a failure is
 * still an answer of its own.
 */
export async function* csvOf<Item extends { [Name in keyof Item]: Cell }>(
  columns: readonly (keyof Item)[],
  batches: AsyncIterable<Item[]>,
): AsyncGenerator<string> {
  let text = csvLine(columns.map(String))
  for await (const batch of batches) {
    for (const item of batch) {
      text += csvLine(columns.map((column) => cellText(item[column])))
      if (text.length < pieceLength) continue
      yield text
      text = ''
    }
    if (text) yield text
    text = ''
  }
  if (text) yield text
}

type Cell = string | boolean | number | null | readonly string[]

function cellText(value: Cell): string {
  return Array.isArray(value) ? value.join(' ') : String(value ?? '')
}

function csvCell(text: string): string {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
