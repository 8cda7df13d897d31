// The text of an `.env` file as assignments and everything else, so that one value can change and every other byte stays.
import { parseEnv } from 'node:util'

/** A stretch of the file as it stands, with its line ending. `name` is null for comments, blank and unreadable lines. */
type Stretch = { text: string; name: string | null }

/** An assignment in its parts; together they are its text. `tail` is what follows the value: a comment, the line ending. */
type Assignment = { head: string; quote: string; tail: string }

/** Values by name; null takes the assignment out. */
export type EnvChanges = Readonly<Record<string, string | null>>

const lineStart = /^([^\S\r\n]*(?:export\s+)?)([^=\n#\s][^=\n]*?)[^\S\r\n]*=[^\S\r\n]*/

/** The values that Node and other readers of such files find. */
export function readEnvText(text: string): Record<string, string | undefined> {
  return parseEnv(text)
}

/**
 * The text with `changes` made: each assignment of a name gets the value where it stands (readers differ in which of
 * several counts), a new one comes at the end. Null when the file is such that a reader would not find exactly that
 * afterwards, for example because a quote is left open before it.
 */
export function changeEnvText(text: string, changes: EnvChanges): string | null {
  for (const quote of [null, "'", '`', '"']) {
    const changed = applyChanges(text, changes, quote)
    if (changed !== null && isExactly(text, changed, changes)) return changed
  }
  return null
}

function applyChanges(text: string, changes: EnvChanges, quote: string | null): string | null {
  const stretches = splitEnvText(text)
  const ending = /\r?\n/.exec(text)?.[0] ?? '\n'
  const found = new Set<string>()
  const parts: string[] = []
  for (const { text: stretch, name } of stretches) {
    const value = name === null || !Object.hasOwn(changes, name) ? undefined : changes[name]
    if (name === null || value === undefined) {
      parts.push(stretch)
      continue
    }
    found.add(name)
    if (value === null) continue
    const { head, quote: former, tail } = takeApart(stretch)
    const written = writeValue(value, quote ?? former)
    if (written === null) return null
    parts.push(head + written + tail)
  }
  const added = Object.entries(changes).flatMap(([name, value]) => {
    if (value === null || found.has(name)) return []
    return [{ name, written: writeValue(value, quote ?? '') }]
  })
  const last = parts.at(-1) ?? ''
  if (added.length > 0 && last !== '' && !last.endsWith('\n')) parts.push(ending)
  for (const { name, written } of added) {
    if (written === null) return null
    parts.push(`${name}=${written}${ending}`)
  }
  return parts.join('')
}

/** What every reader understands without quotes stands without them. Null: it can't stand in these. */
function writeValue(value: string, quote: string): string | null {
  if (quote === '') return /^[A-Za-z0-9_.:/+=@,-]*$/.test(value) ? value : null
  // Within double quotes readers turn \n into a line break, and some know further escapes and $ too.
  const refused = quote === '"' ? /["\\$\n\r]/ : /[\n\r]/
  return value.includes(quote) || refused.test(value) ? null : `${quote}${value}${quote}`
}

/** Assignments whose value stands in quotes may go over several lines. */
function splitEnvText(text: string): Stretch[] {
  const stretches: Stretch[] = []
  let start = 0
  while (start < text.length) {
    const rest = text.slice(start, lineEndAfter(text, start))
    const match = lineStart.exec(rest)
    const name = match?.[2] === undefined ? null : match[2].replace(/^export\s+/, '')
    let end = start + rest.length
    const valueStart = start + (match?.[0].length ?? 0)
    const quote = text[valueStart] ?? ''
    if (match && isQuote(quote)) {
      const closing = text.indexOf(quote, valueStart + 1)
      if (closing >= 0) end = lineEndAfter(text, closing)
    }
    stretches.push({ text: text.slice(start, end), name })
    start = end
  }
  return stretches
}

function takeApart(stretch: string): Assignment {
  const head = lineStart.exec(stretch)?.[0] ?? ''
  const value = stretch.slice(head.length)
  const quote = value[0] ?? ''
  const closing = isQuote(quote) ? value.indexOf(quote, 1) : -1
  if (closing >= 0) return { head, quote, tail: value.slice(closing + 1) }
  const end = /[^\S\r\n]*(#[^\n]*)?\r?\n?$/.exec(value)
  return { head, quote: '', tail: value.slice(end?.index ?? value.length) }
}

function isQuote(character: string): boolean {
  return character === '"' || character === "'" || character === '`'
}

function lineEndAfter(text: string, from: number): number {
  const newline = text.indexOf('\n', from)
  return newline < 0 ? text.length : newline + 1
}

/** Does a reader find the new values, and every other value as before? */
function isExactly(before: string, after: string, changes: EnvChanges): boolean {
  const [was, is] = [readEnvText(before), readEnvText(after)]
  for (const name of new Set([...Object.keys(was), ...Object.keys(is), ...Object.keys(changes)])) {
    const wanted = Object.hasOwn(changes, name) ? (changes[name] ?? undefined) : was[name]
    if (is[name] !== wanted) return false
  }
  return true
}
