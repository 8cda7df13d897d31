// How the usage of one call is read, by the API that its provider speaks and the route that it takes.
import type { AnswerKind } from './answer-kind.ts'
import { message } from './anthropic-answers.ts'
import { type AskedUsage, findAskedUsage, unknownUsage } from './asked-usage.ts'
import { content, contentEmbedding } from './gemini-answers.ts'
import type { JsonObject } from './json-object.ts'
import { chatCompletion, embedding, response } from './openai-answers.ts'
import { askForUsage, UsageChunkFilter } from './usage-chunk.ts'
import { createReaderFactory, type UsageReader } from './usage-reader.ts'

/** APIs whose usage can be read. */
export type UsageFormat = 'openai' | 'anthropic' | 'gemini'

export type CallUsage = {
  /** What the call may use at most and uses at least; `body` null: it was not looked at. */
  findAsked(body: JsonObject | null): AskedUsage
  /** The body that asks for usage, too; null: this call need not, or did. Its stream then goes through the filter. */
  askForUsage(body: JsonObject): JsonObject | null
  createFilter(): UsageChunkFilter
  createReader(contentType: string): UsageReader
}

export type UsageCall = { method: string; path: string; isShared: boolean }

/** Null: the call uses no tokens, or none that its answer tells of. */
export type FindCallUsage = (call: UsageCall) => CallUsage | null

type Route = readonly [ending: RegExp, kind: AnswerKind | null]

const chat = /\/chat\/completions$/

/** The first that fits; null: the provider takes nothing for it. */
const routes: Readonly<Record<UsageFormat, readonly Route[]>> = {
  openai: [
    [chat, chatCompletion],
    [/\/completions$/, chatCompletion],
    [/\/responses$/, response],
    [/\/embeddings$/, embedding],
  ],
  anthropic: [
    [/\/messages$/, message],
    [/\/count_tokens$/, null],
  ],
  gemini: [
    [/:(generateContent|streamGenerateContent)$/, content],
    [/:(embedContent|batchEmbedContents)$/, contentEmbedding],
    [/:countTokens$/, null],
  ],
}
/** For routes that a configuration opens on the shared key: they must not be free because nobody knows them. */
const others: Readonly<Record<UsageFormat, AnswerKind>> = {
  openai: chatCompletion,
  anthropic: message,
  gemini: content,
}

/** `format` null: nothing is read, because calls have a price each. */
export function createFindCallUsage(format: UsageFormat | null): FindCallUsage {
  if (format === null) return () => null
  const known = routes[format].map(([ending, kind]) => ({
    ending,
    usage: kind && createCallUsage(kind, ending === chat),
  }))
  const other = createCallUsage(others[format], false)
  return ({ method, path, isShared }) => {
    if (method !== 'POST') return null
    const route = known.find(({ ending }) => ending.test(path))
    if (route) return route.usage
    return isShared ? other : null
  }
}

function createCallUsage(kind: AnswerKind, isChat: boolean): CallUsage {
  const isEmbedding = kind === embedding || kind === contentEmbedding
  return {
    findAsked(body) {
      const asked = body === null ? unknownUsage : findAskedUsage(body)
      return isEmbedding ? { ...asked, outputTokensMax: 0 } : asked
    },
    askForUsage: (body) => (isChat ? askForUsage(body) : null),
    createFilter: () => new UsageChunkFilter(),
    createReader: createReaderFactory(kind),
  }
}
