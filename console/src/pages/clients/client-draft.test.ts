// Only what was changed of a client is sent, and nothing that was typed is bent into shape.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientItem } from '@sallyport/contract'
import { changesOf, toDraft } from './client-draft.ts'

const client: ClientItem = {
  id: 7,
  external_id: 'acme',
  name: 'Acme',
  email: 'security@acme.com',
  status: 'active',
  shared_keys: false,
  settings: { requests_per_minute: 60 },
  created_at: '2026-01-01T00:00:00.000Z',
}
const changed = (change: Partial<ReturnType<typeof toDraft>>) =>
  changesOf(client, { ...toDraft(client), ...change })

test('an untouched form has no changes, spaces around a value are none', () => {
  assert.deepEqual(changed({}), {})
  assert.deepEqual(changed({ name: ' Acme ' }), {})
})

test('each changed value is sent alone', () => {
  assert.deepEqual(changed({ name: 'Acme 2' }), { name: 'Acme 2' })
  assert.deepEqual(changed({ email: '' }), { email: '' })
  assert.deepEqual(changed({ sharedKeys: true }), { shared_keys: true })
  assert.deepEqual(changed({ requestsPerMinute: '90' }), { settings: { requests_per_minute: 90 } })
})

test('an emptied limit takes it away, what is no number is for the server to refuse', () => {
  assert.deepEqual(changed({ requestsPerMinute: ' ' }), { settings: { requests_per_minute: null } })
  assert.deepEqual(changed({ requestsPerMinute: 'ten' }), { settings: { requests_per_minute: 'ten' } })
})
