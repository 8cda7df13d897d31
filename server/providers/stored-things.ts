// Finds in the JSON body of a call on a shared key what names or makes things that the provider keeps.
import type { BodyRules } from './provider.ts'

export type JsonObject = { [name: string]: unknown }

/** In lower case and without underscores, because some APIs read several spellings of one name. */
const storedNames = new Set([
  ...['store', 'conversation', 'previousresponseid', 'itemreference'],
  ...['fileid', 'fileids', 'vectorstoreid', 'vectorstoreids', 'skillid'],
  ...['container', 'containerid', 'cachedcontent'],
  // Remote MCP servers act in the name of the operator's account.
  ...['mcpservers', 'serverurl', 'connectorid'],
])
/** Tools and parts that live on stored things, or leave a container behind. */
const storedTypes =
  /^(item_reference|mcp(_\w+)?|file_search|code_interpreter|code_execution(_\d+)?|container_\w+|skill_reference)$/
/** Objects that stand for a stored one when they hold an `id`. */
const namedById = new Set(['prompt', 'audio'])

/** What was found, in words for the caller; null when the body is free of it. `body` must not be nested without bound. */
export function findStoredThing(body: JsonObject, rules: BodyRules): string | null {
  if (isSet(body.background)) return 'background'
  const references = Array.isArray(body.input) ? body.input.some(isBareReference) : false
  if (references) return 'an item of input that is only an id'
  return examine('', body, rules)
}

/** Looks at `holder` and all that it holds; an array stands for its items, so `name` is that of the member around. */
function examine(name: string, holder: object, rules: BodyRules): string | null {
  if (!Array.isArray(holder)) return examineObject(name, holder as JsonObject, rules)
  for (const item of holder) {
    const found = isHolder(item) ? examine(name, item, rules) : null
    if (found !== null) return found
  }
  return null
}

function examineObject(outer: string, object: JsonObject, rules: BodyRules): string | null {
  if (namedById.has(outer) && isSet(object.id)) return `${outer}.id`
  // What came out of JSON inherits no enumerable names.
  for (const name in object) {
    const value = object[name]
    if (name === 'type' && typeof value === 'string' && storedTypes.test(value)) return `type ${value}`
    const plain = toPlainName(name)
    if ((storedNames.has(plain) || rules.storedNames.includes(plain)) && isSet(value)) return name
    const found = isHolder(value) && !rules.isOpaque(plain, object) ? examine(plain, value, rules) : null
    if (found !== null) return found
  }
  return null
}

/** OpenAI takes an item without a type for a reference to one that it keeps. */
function isBareReference(item: unknown): boolean {
  return isObject(item) && isSet(item.id) && !isSet(item.type) && !isSet(item.role)
}

function toPlainName(name: string): string {
  const lower = name.toLowerCase()
  return lower.includes('_') ? lower.replaceAll('_', '') : lower
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false
}

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isObject(value: unknown): value is JsonObject {
  return isHolder(value) && !Array.isArray(value)
}
