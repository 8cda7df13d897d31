// For tests: answers of each API as the vendors write them, with what they tell of usage.
import { createFindCallUsage, type UsageFormat } from './call-usage.ts'
import type { ReadTokens } from './usage-reader.ts'

export type KnownAnswer = {
  name: string
  format: UsageFormat
  path: string
  contentType: string
  body: string
  tokens: ReadTokens
  model: string
}

const events = (...data: object[]) => data.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
const named = (...data: { type: string }[]) =>
  data.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
const json = 'application/json'
const stream = 'text/event-stream; charset=utf-8'
/** Quotes, escapes, several bytes to a character, and words that look like what is looked for. */
const text = 'Grüße "x" \\ 你好\n"usage":{"prompt_tokens":9} {]}'

const chatUsage = {
  prompt_tokens: 21,
  completion_tokens: 27,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 20 },
}
const responseUsage = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 12,
  output_tokens_details: { reasoning_tokens: 3 },
}
const contentUsage = {
  promptTokenCount: 10,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 70,
  toolUsePromptTokenCount: 2,
  cachedContentTokenCount: 6,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 10 }],
}
const candidate = (part: string) => ({ candidates: [{ content: { parts: [{ text: part }] } }] })
const chatChunk = (delta: object) => ({ model: 'gpt-x', choices: [{ index: 0, delta }], usage: null })

/** OpenAI's stream without and with its usage chunk. */
export const chatStream = [
  events(chatChunk({ role: 'assistant', content: '' }), chatChunk({ content: text })),
  events({ model: 'gpt-x', choices: [], usage: chatUsage }),
  'data: [DONE]\n\n',
] as const

const chatTokens = { tokensIn: 21, tokensOut: 27, tokensCached: 8 }
const responseTokens = { tokensIn: 30, tokensOut: 12, tokensCached: 4 }
const messageTokens = { tokensIn: 118, tokensOut: 15, tokensCached: 100 }
const contentTokens = { tokensIn: 12, tokensOut: 75, tokensCached: 6 }
const output = [{ type: 'message', content: [{ type: 'output_text', text }] }]
const messageUsage = { input_tokens: 11, cache_creation_input_tokens: 7, cache_read_input_tokens: 100 }

export const knownAnswers: readonly KnownAnswer[] = [
  {
    ...{ name: 'a chat completion', format: 'openai', path: '/v1/chat/completions', contentType: json },
    body: JSON.stringify({ model: 'gpt-x', choices: [{ message: { content: text } }], usage: chatUsage }),
    ...{ tokens: chatTokens, model: 'gpt-x' },
  },
  {
    ...{ name: 'a chat stream', format: 'openai', path: '/v1/chat/completions', contentType: stream },
    ...{ body: chatStream.join(''), tokens: chatTokens, model: 'gpt-x' },
  },
  {
    ...{ name: 'a response', format: 'openai', path: '/v1/responses', contentType: json },
    body: JSON.stringify({
      usage: responseUsage,
      model: 'gpt-y',
      output,
      text: { format: { type: 'text' } },
    }),
    ...{ tokens: responseTokens, model: 'gpt-y' },
  },
  {
    ...{ name: 'a stream of a response', format: 'openai', path: '/v1/responses', contentType: stream },
    body: named(
      { type: 'response.created', ...{ response: { model: 'gpt-y', usage: null } } },
      { type: 'response.output_text.delta', ...{ delta: text } },
      { type: 'response.output_text.done', ...{ text } },
      { type: 'response.completed', ...{ response: { model: 'gpt-y', output, usage: responseUsage } } },
    ),
    ...{ tokens: responseTokens, model: 'gpt-y' },
  },
  {
    ...{ name: 'embeddings', format: 'openai', path: '/v1/embeddings', contentType: json },
    body: '{"data":[{"embedding":[0.1,-2e-3]}],"model":"emb","usage":{"prompt_tokens":5,"total_tokens":5}}',
    ...{ tokens: { tokensIn: 5, tokensOut: 0, tokensCached: 0 }, model: 'emb' },
  },
  {
    ...{ name: 'a message', format: 'anthropic', path: '/v1/messages', contentType: json },
    body: JSON.stringify({
      ...{ type: 'message', model: 'claude-x', content: [{ type: 'text', text }] },
      usage: { ...messageUsage, output_tokens: 15 },
    }),
    ...{ tokens: messageTokens, model: 'claude-x' },
  },
  {
    ...{ name: 'a stream of a message', format: 'anthropic', path: '/v1/messages', contentType: stream },
    body: named(
      {
        type: 'message_start',
        ...{ message: { type: 'message', model: 'claude-x', usage: { ...messageUsage, output_tokens: 1 } } },
      },
      { type: 'ping' },
      { type: 'content_block_delta', ...{ delta: { type: 'text_delta', text } } },
      { type: 'message_delta', ...{ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } } },
      { type: 'message_stop' },
    ),
    ...{ tokens: messageTokens, model: 'claude-x' },
  },
  {
    ...{ name: 'content', format: 'gemini', path: '/v1beta/models/gemini-x:generateContent' },
    contentType: json,
    body: JSON.stringify({ ...candidate(text), usageMetadata: contentUsage, modelVersion: 'gemini-x' }),
    ...{ tokens: contentTokens, model: 'gemini-x' },
  },
  {
    ...{ name: 'a stream of content', format: 'gemini', path: '/v1/models/gemini-x:streamGenerateContent' },
    contentType: stream,
    body: events(
      { ...candidate(text), usageMetadata: { promptTokenCount: 10 }, modelVersion: 'gemini-x' },
      { ...candidate(text), usageMetadata: contentUsage, modelVersion: 'gemini-x' },
    ).replaceAll('\n\n', '\r\n\r\n'),
    ...{ tokens: contentTokens, model: 'gemini-x' },
  },
  {
    ...{ name: 'an array of content', format: 'gemini', path: '/v1/models/gemini-x:streamGenerateContent' },
    contentType: json,
    body: JSON.stringify(
      [
        { ...candidate(text), usageMetadata: { promptTokenCount: 10 }, modelVersion: 'gemini-x' },
        { ...candidate(text), usageMetadata: contentUsage, modelVersion: 'gemini-x' },
      ],
      null,
      1,
    ),
    ...{ tokens: contentTokens, model: 'gemini-x' },
  },
]

export function openReader({
  format,
  path,
  contentType,
}: Omit<KnownAnswer, 'body' | 'tokens' | 'model' | 'name'>) {
  const usage = createFindCallUsage(format)({ method: 'POST', path, isShared: true })
  if (!usage) throw new Error(`no usage on ${path}`)
  return usage.createReader(contentType)
}
