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

type Visit = { name: string; value: unknown }

/** What was found, in words for the caller; null when the body is free of it. */
export function findStoredThing(body: JsonObject, rules: BodyRules): string | null {
  if (isSet(body.background)) return 'background'
  const references = Array.isArray(body.input) ? body.input.some(isBareReference) : false
  if (references) return 'an item of input that is only an id'
  const waiting: Visit[] = [{ name: '', value: body }]
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    const { name: outer, value } = visit
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') waiting.push({ name: outer, value: item })
      continue
    }
    if (!isObject(value)) continue
    const found = examine(outer, value, rules)
    if (found !== null) return found
    for (const [name, child] of Object.entries(value)) {
      const plain = toPlainName(name)
      if (typeof child === 'object' && !rules.isOpaque(plain, value))
        waiting.push({ name: plain, value: child })
    }
  }
  return null
}

/** Looks at the members of one object. */
function examine(outer: string, object: JsonObject, rules: BodyRules): string | null {
  if (namedById.has(outer) && isSet(object.id)) return `${outer}.id`
  for (const [name, value] of Object.entries(object)) {
    if (name === 'type' && typeof value === 'string' && storedTypes.test(value)) return `type ${value}`
    const plain = toPlainName(name)
    if ((storedNames.has(plain) || rules.storedNames.includes(plain)) && isSet(value)) return name
  }
  return null
}

/** OpenAI takes an item without a type for a reference to one that it keeps. */
function isBareReference(item: unknown): boolean {
  return isObject(item) && isSet(item.id) && !isSet(item.type) && !isSet(item.role)
}

function toPlainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
