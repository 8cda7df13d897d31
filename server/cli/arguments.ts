// Values of options and arguments, held to their bounds before anything is sent: one clear line and exit code 64 for each.
import { rowNumber } from '@sallyport/contract'
import type { z } from 'zod'
import { CommandFailure, exitCodes } from './failure.ts'

/** Parses the id of a row. `listedBy` is the command that shows these ids. */
export function rowId(thing: string, listedBy: string): (text: string) => number {
  return (text) => {
    const parsed = rowNumber.safeParse(text)
    if (parsed.success) return parsed.data
    throw new CommandFailure(
      `"${text}" is not the id of ${thing}. '${listedBy}' shows them in the first column`,
      exitCodes.usage,
    )
  }
}

export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new CommandFailure(
      `${option}: "${text}" is not a whole number from ${min} to ${max}`,
      exitCodes.usage,
    )
  }
}

/** Several values of one option, given with commas or by naming the option again. */
export function listValue(text: string, before: readonly string[] | undefined): string[] {
  const values = text.split(',').map((value) => value.trim())
  return [...(before ?? []), ...values.filter((value) => value !== '')]
}

/** A date alone is its first moment in UTC. */
export function timeValue(option: string): (text: string) => string {
  return (text) => {
    const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    const timeMs = isTime ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(timeMs)) return new Date(timeMs).toISOString()
    throw new CommandFailure(
      `${option}: "${text}" is not a time. Example: ${option} 2027-01-31T00:00:00Z, or a date such as 2027-01-31`,
      exitCodes.usage,
    )
  }
}

/** The body of a request if the gateway would take it. `options` names the option of a field where it is not `--the-field`. */
export function checkBody<Schema extends z.ZodType<object>>(
  schema: Schema,
  body: z.input<Schema>,
  options: Readonly<Record<string, string>> = {},
): z.input<Schema> & object {
  const parsed = schema.safeParse(body)
  if (parsed.success) return body as z.input<Schema> & object
  const lines = parsed.error.issues.map(({ path, message }) => {
    const field = String(path[0] ?? '')
    return `${options[field] ?? `--${field.replaceAll('_', '-')}`}: ${message}`
  })
  throw new CommandFailure(lines.join('\n'), exitCodes.usage)
}
