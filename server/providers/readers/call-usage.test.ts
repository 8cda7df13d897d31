// Which calls tell usage, and what they ask for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAskedUsage } from './asked-usage.ts'
import { createFindCallUsage } from './call-usage.ts'

test('on the shared key every call that could cost tokens is read, on an own one the known ones', () => {
  const openai = createFindCallUsage('openai')
  const find = (path: string, isShared = true, method = 'POST') => openai({ method, path, isShared }) !== null
  assert.deepEqual([find('/v1/responses'), find('/v1/responses', false)], [true, true])
  assert.deepEqual([find('/v1/other'), find('/v1/other', false)], [true, false])
  assert.deepEqual(
    [find('/v1/models', true, 'GET'), find('/v1/chat/completions', true, 'GET')],
    [false, false],
  )
})

test('counts of tokens are free, and providers priced by the call are not read', () => {
  const shared = { method: 'POST', isShared: true }
  const free = createFindCallUsage('anthropic')({ ...shared, path: '/v1/messages/count_tokens' })
  assert.equal(free, null)
  assert.equal(createFindCallUsage('gemini')({ ...shared, path: '/v1/models/m:countTokens' }), null)
  assert.equal(createFindCallUsage(null)({ ...shared, path: '/v1/chat/completions' }), null)
})

test('the most that a call may use is the largest limit that a provider could heed', () => {
  const asked = (body: object) => {
    const { outputTokensMax, choices } = findAskedUsage({ ...body })
    return [outputTokensMax, choices]
  }
  assert.deepEqual(asked({}), [null, 1])
  assert.deepEqual(asked({ max_tokens: 10, max_completion_tokens: 20, n: 3 }), [20, 3])
  assert.deepEqual(asked({ max_output_tokens: 7 }), [7, 1])
  assert.deepEqual(asked({ generationConfig: { maxOutputTokens: 5, candidateCount: 2 } }), [5, 2])
  assert.deepEqual(asked({ generation_config: { max_output_tokens: '6', candidate_count: '4' } }), [6, 4])
  assert.deepEqual(asked({ max_tokens: -1, n: 0 }), [null, 1])
  assert.deepEqual(asked({ max_tokens: 1e300, n: null }), [1_000_000_000, 1])
})

test('the text of a call is counted, images, tools and names are not', () => {
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(1000)}` } }
  const bytes = (body: object) => findAskedUsage({ ...body }).inputTextBytes
  assert.equal(bytes({ model: 'm', messages: [{ role: 'user', content: 'Grüße' }] }), 7)
  const parts = [{ type: 'text', text: '12345' }, image]
  assert.equal(bytes({ messages: [{ role: 'user', content: parts }], tools: [{ name: 'x' }] }), 5)
  assert.equal(bytes({ contents: [{ parts: [{ text: 'abc' }, { inlineData: { data: 'AAAA' } }] }] }), 3)
  assert.equal(bytes({ input: ['ab', 'cd'], instructions: 'e' }), 5)
  assert.equal(bytes({ system: 'ab', messages: [{ content: [{ type: 'text', text: 'c' }] }] }), 3)
  assert.equal(bytes({ systemInstruction: { parts: [{ text: 'ab' }] } }), 2)
})
