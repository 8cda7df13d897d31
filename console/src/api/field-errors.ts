// Which field of a form each reason of a refused request belongs to.
import type { ApiError } from './api-error.ts'

export type FieldErrors = {
  /** Text by field name; several reasons are joined by a space. */
  byField: Record<string, string>
  /** Text by position in a list field, for example `allowed_ips.2`. */
  byPosition: Record<string, string>
  /** Reasons that name no field of the form. */
  other: string[]
}

/** `allowed_ips[2]: text`, `binding.allowed_ips.2: text`, `"allowed_ips" text`, `ip text`; of a path its last name counts. */
const namedReason = /^["'`]?(?:[a-z][a-z0-9_]*\.)*([a-z][a-z0-9_]*)(?:[.[](\d+)\]?)?["'`]?\s*(?::\s*)?(.*)$/is

function readReason(reason: string): { field: string; position: string | undefined; text: string } | null {
  const match = namedReason.exec(reason.trim())
  if (!match) return null
  const [, field = '', position, text = ''] = match
  return { field, position, text: text || reason }
}

function append(target: Record<string, string>, key: string, text: string): void {
  target[key] = key in target ? `${target[key]} ${text}` : text
}

/** A reason that quotes one of the list's entries moves to that entry. */
export function placeAtEntry(errors: FieldErrors, field: string, entries: readonly string[]): FieldErrors {
  const text = errors.byField[field]
  const position = text === undefined ? -1 : entries.findIndex((entry) => text.includes(`"${entry.trim()}"`))
  if (text === undefined || position < 0) return errors
  const { [field]: _moved, ...byField } = errors.byField
  return { ...errors, byField, byPosition: { ...errors.byPosition, [`${field}.${position}`]: text } }
}

/** The reason at `field`, or at the first of its entries that has one. */
export function reasonAt({ byField, byPosition }: FieldErrors, field: string): string | undefined {
  return byField[field] ?? Object.entries(byPosition).find(([key]) => key.startsWith(`${field}.`))?.[1]
}

export function noFieldErrors(): FieldErrors {
  return { byField: {}, byPosition: {}, other: [] }
}

/** Sorts the reasons of `error` by the `fields` of a form; what fits none is left to be said above the form. */
export function fieldErrorsOf(error: ApiError, fields: readonly string[]): FieldErrors {
  const sorted = noFieldErrors()
  const reasons = error.details.length > 0 ? error.details : [error.message]
  for (const reason of reasons) {
    const named = readReason(reason)
    if (!named || !fields.includes(named.field)) sorted.other.push(reason)
    else if (named.position === undefined) append(sorted.byField, named.field, named.text)
    else append(sorted.byPosition, `${named.field}.${named.position}`, named.text)
  }
  return sorted
}
