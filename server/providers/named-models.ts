// Which models a call names: in its path, as Gemini's do, or in its body.
import type { JsonObject } from './stored-things.ts'

/** Of a path or a list of resource names: `models/gemini-2.5-pro:generateContent` → `gemini-2.5-pro`. */
const inPath = /\/models\/([^/:]+)/
const listed = 'models/'

/** Every model that the call names; empty when it names none. `body` is null when there is none. */
export function findNamedModels(path: string, body: JsonObject | null): string[] {
  const models: string[] = []
  const found = inPath.exec(decode(path))?.[1]
  if (found !== undefined) models.push(found)
  if (body === null) return models
  addModel(models, body.model)
  // Some APIs take a list of models to fall back to.
  if (Array.isArray(body.models)) for (const value of body.models) addModel(models, value)
  else addModel(models, body.models)
  return models
}

function addModel(models: string[], value: unknown): void {
  if (typeof value === 'string') models.push(value.startsWith(listed) ? value.slice(listed.length) : value)
}

function decode(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
