// Usage in answers of OpenAI and of the many that speak like it: chat completions, responses, embeddings.
import type { AnswerKind } from './answer-kind.ts'
import { isObject } from './json-object.ts'
import type { TokenCounts } from './token-counts.ts'

const chatTexts = ['content', 'reasoning_content', 'refusal', 'arguments', 'text']
const lastEvents = new Set(['response.completed', 'response.incomplete', 'response.failed'])

export const chatCompletion: AnswerKind = {
  names: ['usage', 'model'],
  holders: [],
  rootNames: [],
  textNames: { whole: chatTexts, events: chatTexts },
  modelName: 'model',
  take(caught, counts) {
    takeUsage(caught('usage'), counts)
    return false
  },
}

export const response: AnswerKind = {
  names: ['usage', 'model'],
  holders: ['response'],
  rootNames: ['type'],
  textNames: { whole: ['text', 'refusal', 'arguments'], events: ['delta'] },
  modelName: 'model',
  take(caught, counts) {
    takeUsage(caught('usage'), counts)
    const type = caught('type')
    return typeof type === 'string' && lastEvents.has(type)
  },
}

export const embedding: AnswerKind = {
  names: ['usage', 'model'],
  holders: [],
  rootNames: [],
  textNames: { whole: [], events: [] },
  modelName: 'model',
  take(caught, counts) {
    takeUsage(caught('usage'), counts)
    // What is embedded has no output, and most say nothing of it.
    counts.tokensOut ??= 0
    return false
  },
}

/** What one of these APIs calls `prompt_tokens` is `input_tokens` in another. Tokens of reasoning are part of the output. */
function takeUsage(usage: unknown, counts: TokenCounts): void {
  if (!isObject(usage)) return
  counts.tokensIn = counts.read(usage.prompt_tokens ?? usage.input_tokens) ?? counts.tokensIn
  counts.tokensOut = counts.read(usage.completion_tokens ?? usage.output_tokens) ?? counts.tokensOut
  const details = usage.prompt_tokens_details ?? usage.input_tokens_details
  if (isObject(details)) counts.tokensCached = counts.read(details.cached_tokens) ?? counts.tokensCached
}
