// A JSON object whose members are not known.
import type { JsonObject } from '../stored-things.ts'

export type { JsonObject }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
