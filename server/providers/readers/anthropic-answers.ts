// Usage in answers of Anthropic: a message, whole or in events, whose beginning tells the input and whose end the output.
import type { AnswerKind } from './answer-kind.ts'
import { isObject } from './json-object.ts'

/** Told apart by the API; all of them are input. */
const inputNames = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens']
const texts = ['text', 'thinking', 'partial_json']

export const message: AnswerKind = {
  names: ['usage', 'model'],
  holders: ['message'],
  rootNames: ['type'],
  textNames: { whole: texts, events: texts },
  modelName: 'model',
  take(caught, counts) {
    const usage = caught('usage')
    if (isObject(usage)) {
      // The end repeats the input only when it has changed; then it is told whole.
      if (usage.input_tokens !== undefined) {
        counts.tokensIn = counts.sum(usage, inputNames) ?? counts.tokensIn
        counts.tokensCached = counts.read(usage.cache_read_input_tokens) ?? counts.tokensCached
      }
      counts.tokensOut = counts.read(usage.output_tokens) ?? counts.tokensOut
    }
    return caught('type') === 'message_stop'
  },
}
