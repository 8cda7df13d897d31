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
  return isHolder(value) && !Array.isArray(value)
}

/** Nested deeper than `levelsMax`? Looks no deeper itself, so that no nesting can exhaust the stack. */
function isTooDeep(holder: object, levelsMax = depthMax): boolean {
  if (levelsMax < 0) return true
  if (Array.isArray(holder)) {
    for (const item of holder) if (isHolder(item) && isTooDeep(item, levelsMax - 1)) return true
    return false
  }
  // What came out of JSON inherits no enumerable names.
  for (const name in holder) {
    const member = (holder as JsonObject)[name]
    if (isHolder(member) && isTooDeep(member, levelsMax - 1)) return true
  }
  return false
}

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
