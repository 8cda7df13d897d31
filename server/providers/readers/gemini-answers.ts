// Usage in answers of Gemini: content whole, in events, or in an array that grows; each part tells the sums so far.
import type { AnswerKind } from './answer-kind.ts'
import { isObject } from './json-object.ts'

const inputNames = ['promptTokenCount', 'toolUsePromptTokenCount']
/** Thoughts are billed as output. */
const outputNames = ['candidatesTokenCount', 'thoughtsTokenCount']

export const content: AnswerKind = {
  names: ['usageMetadata', 'modelVersion'],
  holders: [],
  rootNames: [],
  textNames: { whole: ['text'], events: ['text'] },
  modelName: 'modelVersion',
  take(caught, counts) {
    const usage = caught('usageMetadata')
    if (!isObject(usage)) return false
    const tokensIn = counts.sum(usage, inputNames)
    if (tokensIn === null) return false
    counts.tokensIn = tokensIn
    // A zero is left out by this API.
    const isUnreadable = outputNames.some((name) => typeof (usage[name] ?? 0) !== 'number')
    const tokensOut = counts.sum(usage, outputNames)
    counts.tokensOut = tokensOut ?? (isUnreadable ? counts.tokensOut : 0)
    counts.tokensCached = counts.read(usage.cachedContentTokenCount) ?? counts.tokensCached
    return false
  },
}

export const contentEmbedding: AnswerKind = {
  ...content,
  textNames: { whole: [], events: [] },
  take(caught, counts) {
    counts.tokensOut ??= 0
    return content.take(caught, counts)
  },
}
