// What a call may use at most and uses at least, from its JSON body: for its reservation, and for an input that is never reported.
import { isObject, type JsonObject } from './json-object.ts'

export type AskedUsage = {
  /** Most tokens of one answer; null: the body does not say. */
  outputTokensMax: number | null
  /** How many answers are asked for. */
  choices: number
  /** Bytes of the text that is given to the model; what is no text (images, tools) is left out. */
  inputTextBytes: number
}

const outputLimits = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'maxOutputTokens']
const choiceCounts = ['n', 'candidateCount', 'candidate_count']
const textNames = new Set([
  ...['content', 'text', 'input', 'instructions', 'prompt', 'system'],
  ...['system_instruction', 'systemInstruction'],
])
const limitMax = 1_000_000_000

/** Of a call whose body was not looked at. */
export const unknownUsage: AskedUsage = { outputTokensMax: null, choices: 1, inputTextBytes: 0 }

export function findAskedUsage(body: JsonObject): AskedUsage {
  const holders = [body, body.generationConfig, body.generation_config].filter(isObject)
  return {
    outputTokensMax: findLargest(holders, outputLimits),
    choices: findLargest(holders, choiceCounts) ?? 1,
    inputTextBytes: countText(body, false),
  }
}

/** The largest, because a provider may heed any of them. */
function findLargest(holders: readonly JsonObject[], names: readonly string[]): number | null {
  let largest: number | null = null
  for (const holder of holders) {
    for (const name of names) {
      const value = toLimit(holder[name])
      if (value !== null && value > (largest ?? 0)) largest = value
    }
  }
  return largest
}

/** Some servers read numbers in texts, too. */
function toLimit(value: unknown): number | null {
  const limit = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof limit !== 'number' || !(limit >= 1)) return null
  return Math.min(Math.ceil(limit), limitMax)
}

/** Bytes of the texts in `value`, which must not be nested without bound; `isText`: strings right in it are texts. */
function countText(value: unknown, isText: boolean): number {
  if (typeof value === 'string') return isText ? Buffer.byteLength(value) : 0
  let bytes = 0
  if (Array.isArray(value)) for (const item of value) bytes += countText(item, isText)
  else if (isObject(value)) for (const name in value) bytes += countText(value[name], textNames.has(name))
  return bytes
}
