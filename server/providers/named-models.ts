// Which models a call names: in its path, as Gemini's do, or in its body.
import type { JsonObject } from './stored-things.ts'

/** Of a path or a list of resource names: `models/gemini-2.5-pro:generateContent` → `gemini-2.5-pro`. */
const inPath = /\/models\/([^/:]+)/

/** Every model that the call names; empty when it names none. `body` is null when there is none. */
export function findNamedModels(path: string, body: JsonObject | null): string[] {
  const models: string[] = []
  const found = inPath.exec(decode(path))?.[1]
  if (found !== undefined) models.push(found)
  // Some APIs take a list of models to fall back to.
  for (const value of [body?.model, ...[body?.models].flat()]) {
    if (typeof value === 'string') models.push(value.replace(/^models\//, ''))
  }
  return models
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
