// Bodies on a shared key: what names or makes stored things is found wherever it stands, and nothing else is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anthropic } from './anthropic.ts'
import { gemini } from './gemini.ts'
import { openai } from './openai.ts'
import { type BodyRules, plainBodyRules } from './provider.ts'
import { findStoredThing, type JsonObject } from './stored-things.ts'

const text = { role: 'user', content: 'hi' }

const refused: readonly [string, BodyRules, JsonObject][] = [
  ['store', openai.bodyRules, { messages: [text], store: true }],
  ['store that is no boolean', openai.bodyRules, { store: 'true' }],
  ['background', openai.bodyRules, { background: true }],
  ['previous_response_id', openai.bodyRules, { previous_response_id: 'resp_1' }],
  ['conversation', openai.bodyRules, { conversation: { id: 'conv_1' } }],
  ['prompt.id', openai.bodyRules, { prompt: { id: 'pmpt_1' } }],
  ['audio.id', openai.bodyRules, { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
  ['item_reference', openai.bodyRules, { input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ['a reference without a type', openai.bodyRules, { input: [{ id: 'msg_1' }] }],
  [
    'file_id in a part',
    openai.bodyRules,
    { messages: [{ content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
  ],
  ['vector_store_ids', openai.bodyRules, { tools: [{ type: 'x', vector_store_ids: ['vs_1'] }] }],
  ['file search', openai.bodyRules, { tools: [{ type: 'file_search' }] }],
  ['a container', openai.bodyRules, { tools: [{ type: 'x', container: { type: 'auto' } }] }],
  ['a code interpreter', openai.bodyRules, { tools: [{ type: 'code_interpreter' }] }],
  ['a shell in a container', openai.bodyRules, { tools: [{ environment: { type: 'container_auto' } }] }],
  ['a remote MCP server', openai.bodyRules, { tools: [{ type: 'mcp', server_url: 'https://x' }] }],
  ['a connector', openai.bodyRules, { tools: [{ connector_id: 'connector_gmail' }] }],
  ['MCP servers', anthropic.bodyRules, { mcp_servers: [{ url: 'https://x' }] }],
  ['an MCP toolset', anthropic.bodyRules, { tools: [{ type: 'mcp_toolset' }] }],
  ['code execution', anthropic.bodyRules, { tools: [{ type: 'code_execution_20250825' }] }],
  ['a container', anthropic.bodyRules, { container: 'container_1' }],
  [
    'a file in the answer of a tool',
    anthropic.bodyRules,
    { messages: [{ content: [{ type: 'tool_result', content: [{ source: { file_id: 'f' } }] }] }] },
  ],
  ['cachedContent', gemini.bodyRules, { cachedContent: 'cachedContents/1' }],
  ['cached_content', gemini.bodyRules, { cached_content: 'cachedContents/1' }],
  ['fileData', gemini.bodyRules, { contents: [{ parts: [{ fileData: { fileUri: 'files/1' } }] }] }],
  ['file_data', gemini.bodyRules, { contents: [{ parts: [{ file_data: { file_uri: 'files/1' } }] }] }],
  ['a file search store', gemini.bodyRules, { tools: [{ fileSearch: { fileSearchStoreNames: ['x'] } }] }],
  ['anything in an unknown API', plainBodyRules, { parameters: { file_id: 'x' } }],
]

const allowed: readonly [string, BodyRules, JsonObject][] = [
  ['a plain chat', openai.bodyRules, { model: 'm', messages: [text], store: false, background: null }],
  [
    'a file in the body itself',
    openai.bodyRules,
    { input: [{ role: 'user', content: [{ file_data: 'data:' }] }] },
  ],
  [
    'a schema of the caller that uses the same names',
    openai.bodyRules,
    {
      tools: [
        { type: 'function', parameters: { properties: { file_id: { type: 'string' }, container: {} } } },
      ],
    },
  ],
  [
    'an image with a background',
    openai.bodyRules,
    { tools: [{ type: 'image_generation', background: 'opaque' }] },
  ],
  [
    'earlier items of a conversation',
    openai.bodyRules,
    { input: [{ type: 'message', id: 'msg_1', role: 'assistant', content: [] }, text] },
  ],
  [
    'arguments with which a tool was called',
    anthropic.bodyRules,
    { messages: [{ content: [{ type: 'tool_use', id: 't', name: 'ship', input: { container: 'blue' } }] }] },
  ],
  ['a schema of a tool', anthropic.bodyRules, { tools: [{ input_schema: { properties: { store: {} } } }] }],
  [
    'arguments and results of functions',
    gemini.bodyRules,
    {
      contents: [
        {
          parts: [
            { functionCall: { args: { file_id: 1 } } },
            { functionResponse: { response: { container: 1 } } },
          ],
        },
      ],
    },
  ],
  [
    'a text that speaks of them',
    openai.bodyRules,
    { messages: [{ role: 'user', content: '{"file_id":"x"}' }] },
  ],
]

describe('on a shared key', () => {
  for (const [what, rules, body] of refused) {
    test(`${what} is found: ${JSON.stringify(body)}`, () => assert.ok(findStoredThing(body, rules)))
  }
  for (const [what, rules, body] of allowed) {
    test(`${what} passes`, () => assert.equal(findStoredThing(body, rules), null))
  }
})
