// Tables and times for people: aligned columns, nothing cut off that somebody may want to copy.
import { printable, printLine, type Terminal } from './terminal.ts'

export type Column<Row> = {
  title: string
  cell: (row: Row) => string
  /** Numbers read better against the right edge. */
  align?: 'left' | 'right'
}

/** Lines of an aligned table with a header row. Control characters in cells are shown escaped. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const texts = rows.map((row) => columns.map((column) => printable(column.cell(row))))
  const lines = [columns.map((column) => column.title), ...texts]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((text, index) => {
          const width = widths[index] ?? 0
          return columns[index]?.align === 'right' ? text.padStart(width) : text.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `2026-11-20 15:06:14Z`; a dash for null. */
export function formatTime(iso: string | null): string {
  return iso === null ? '-' : `${iso.slice(0, 19).replace('T', ' ')}Z`
}

/** `3 min ago`, for times where the age says more than the date; a dash for null. */
export function formatAge(iso: string | null, nowMs: number): string {
  if (iso === null) return '-'
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

/** The first three of a list and how many more there are; `--json` shows them all. */
export function formatList(items: readonly string[]): string {
  if (items.length === 0) return '-'
  const more = items.length - 3
  return more > 0 ? `${items.slice(0, 3).join(', ')} +${more} more` : items.join(', ')
}

type PageNumbers = {
  total: number
  total_is_estimate?: true | undefined
  page: number
  page_size: number
}

type Listed<Row> = {
  text: string
  value: { items: readonly Row[] } & PageNumbers
}

/** One page of a list as a table and the line below it, or `empty`; as JSON the answer of the gateway as it came. */
export function printPage<Row>(
  terminal: Terminal,
  { text, value }: Listed<Row>,
  { json, columns, empty }: { json?: boolean | undefined; columns: readonly Column<Row>[]; empty: string },
): void {
  if (json) printLine(terminal, text)
  else if (value.items.length === 0) printLine(terminal, empty)
  else {
    printLine(terminal, formatTable(columns, value.items))
    printLine(terminal, formatPageLine(value))
  }
}

/** What an empty page says: `none` where there is nothing at all. */
export function describeEmptyPage({ total }: { total: number }, none: string): string {
  return total === 0 ? none : 'This page is empty.'
}

/** `Page 1 of 3, 45 in all.`, with how to see the next one; `Page 1, about 1000000 in all.` of a list that is still being counted. */
export function formatPageLine(page: PageNumbers): string {
  const pages = Math.max(1, Math.ceil(page.total / page.page_size))
  const next = page.page < pages ? ` Next: --page ${page.page + 1}` : ''
  if (page.total_is_estimate)
    return `Page ${page.page}, about ${Number(page.total.toPrecision(2))} in all.${next}`
  return `Page ${page.page} of ${pages}, ${page.total} in all.${next}`
}

/** Millionths of EUR as `0.05 EUR`, with more digits where there are any. */
export function formatMoney(micros: number): string {
  const [whole, fraction] = [Math.trunc(Math.abs(micros) / 1_000_000), Math.abs(micros) % 1_000_000]
  const digits = String(fraction)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `${micros < 0 ? '-' : ''}${whole}.${digits} EUR`
}
