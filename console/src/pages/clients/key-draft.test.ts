// A new key is limited by what was filled in, and by nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindingOf } from '../../composables/binding-draft.ts'
import { emptyKeyDraft, keyRequestOf } from './key-draft.ts'

const rule = { mode: 'single', allowed_ips: ['203.0.113.7'] } as const
const mutableRule = { ...rule, allowed_ips: [...rule.allowed_ips] }

test('an empty form asks for a key without limits that works from anywhere', () => {
  assert.deepEqual(keyRequestOf(emptyKeyDraft(), bindingOf('off', mutableRule)), {
    binding: { policy: 'off' },
  })
})

test('what is filled in is sent; the last day counts to its end', () => {
  const draft = {
    name: ' door ',
    lastDay: '2027-01-31',
    scopes: ['video', 'proxy:openai'],
    models: 'gpt-4o\n\ngpt-4o-mini',
    requestsPerMinute: '60',
  }
  assert.deepEqual(keyRequestOf(draft, bindingOf('rule', mutableRule)), {
    name: 'door',
    expires_at: new Date(2027, 1, 1).toISOString(),
    scopes: ['video', 'proxy:openai'],
    models: ['gpt-4o', 'gpt-4o-mini'],
    requests_per_minute: 60,
    binding: rule,
  })
})

test('a limit that is no number goes to the server as it is, to be refused by name', () => {
  const request: Record<string, unknown> = keyRequestOf(
    { ...emptyKeyDraft(), requestsPerMinute: 'many' },
    bindingOf('first_use', mutableRule),
  )
  assert.equal(request.requests_per_minute, 'many')
  assert.deepEqual(request.binding, { policy: 'first_use' })
})
