// Routes on a shared key: exactly those of the list, in exactly one spelling.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anthropic } from './anthropic.ts'
import { exa } from './exa.ts'
import { gemini } from './gemini.ts'
import { openai } from './openai.ts'
import { createStatelessRoutes } from './stateless-routes.ts'
import { vapi } from './vapi.ts'

const isOpen = ({ statelessRoutes }: Pick<typeof openai, 'statelessRoutes'>, call: string) => {
  const [method = '', path = ''] = call.split(' ')
  return createStatelessRoutes(statelessRoutes)(method, path) !== null
}

test('stateless routes are open', () => {
  for (const call of [
    'POST /v1/chat/completions',
    'POST /v1/responses',
    'GET /v1/models',
    'GET /v1/models/gpt-4.1',
  ]) {
    assert.equal(isOpen(openai, call), true, call)
  }
  for (const call of [
    'POST /v1beta/models/gemini-2.5-pro:generateContent',
    'POST /v1/models/gemini-2.5-pro:streamGenerateContent',
    'GET /v1beta/models/gemini-2.5-pro',
  ]) {
    assert.equal(isOpen(gemini, call), true, call)
  }
  assert.equal(isOpen(anthropic, 'POST /v1/messages'), true)
  assert.equal(isOpen(exa, 'POST /search'), true)
})

test('files, batches, stored things, calls and accounts are not, nor is another spelling or method', () => {
  for (const call of [
    ...[
      'POST /v1/files',
      'GET /v1/files',
      'POST /v1/batches',
      'GET /v1/responses/resp_1',
      'POST /v1/threads',
    ],
    ...[
      'GET /v1/chat/completions',
      'DELETE /v1/models/ft',
      'POST /v1/chat/completions/',
      'POST /V1/chat/completions',
    ],
    ...[
      'POST /v1/chat%2Fcompletions',
      'GET /v1/models/a/b',
      'GET /v1/models/',
      'GET /v1/models/%2e%2e',
      'POST /',
    ],
    ...['GET /v1/organization/usage', 'GET /v1/models/{model}', 'POST /v1/realtime/sessions'],
  ]) {
    assert.equal(isOpen(openai, call), false, call)
  }
  for (const call of [
    ...['POST /v1beta/tunedModels/x:generateContent', 'POST /v1beta/cachedContents', 'GET /v1beta/files'],
    ...[
      'POST /v1beta/models/x:batchGenerateContent',
      'POST /v1beta/models/a%3AbatchGenerateContent:generateContent',
    ],
    'POST /v1beta/models/a:b:generateContent',
  ]) {
    assert.equal(isOpen(gemini, call), false, call)
  }
  for (const call of ['POST /v1/messages/batches', 'POST /v1/files'])
    assert.equal(isOpen(anthropic, call), false)
  for (const call of ['POST /call/web', 'GET /call', 'GET /assistant'])
    assert.equal(isOpen(vapi, call), false)
})
