// Tables and times for people: aligned columns, nothing cut off that somebody may want to copy.
import { printable } from './terminal.ts'

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

/** `Page 1 of 3, 45 in all.`, with how to see the next one. */
export function formatPageLine(page: { total: number; page: number; page_size: number }): string {
  const pages = Math.max(1, Math.ceil(page.total / page.page_size))
  const next = page.page < pages ? ` Next: --page ${page.page + 1}` : ''
  return `Page ${page.page} of ${pages}, ${page.total} in all.${next}`
}
