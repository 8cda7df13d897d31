// A JSON body that has to be understood before it goes on: read strictly, so that nobody behind us can read it differently.
import { AppError } from '@sallyport/contract'
import type { JsonObject } from '../providers/providers.ts'

/** No API nests this deep; a deeper one would only cost us. */
const depthMax = 200
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The object in `body`, or why it is refused. Of a name that stands twice the last one counts, here and in what is sent on. */
export function parseJsonBody(body: Buffer): JsonObject | AppError {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(body))
  } catch {
    return refuse('it is not valid JSON')
  }
  if (!isObject(value)) return refuse('it is not a JSON object')
  return isTooDeep(value) ? refuse(`it is nested deeper than ${depthMax} levels`) : value
}

function refuse(reason: string): AppError {
  return new AppError('malformed_request', { message: `The body cannot be used: ${reason}.` })
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Level by level, so that no nesting can exhaust the stack. */
function isTooDeep(root: object): boolean {
  let level: object[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true
    const next: object[] = []
    for (const holder of level) {
      for (const child of Object.values(holder))
        if (typeof child === 'object' && child !== null) next.push(child)
    }
    level = next
  }
  return false
}
