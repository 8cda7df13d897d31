// What an operator typed, as the server takes it; what is not of its form goes as it is, to be refused by name.

/** A number where the text is one, else the text. */
export function readNumber(text: string): number | string {
  const trimmed = text.trim()
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed
}

/** Entries that stand on lines of their own or between commas; null when there is none. */
export function readEntries(text: string): string[] | null {
  const entries = text
    .split(/[\n,]/)
    .map((entry) => entry.trim())
    .filter(Boolean)
  return entries.length > 0 ? entries : null
}
