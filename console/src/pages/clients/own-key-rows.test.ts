// Every provider has its row, and no key of a client is hidden.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownKeyRows } from './own-key-rows.ts'

const updated_at = '2026-01-01T00:00:00.000Z'

test('a provider without a key shows as such, a key of a provider that is gone still shows', () => {
  const rows = ownKeyRows(
    [{ name: 'openai' }, { name: 'exa' }],
    [
      { provider: 'openai', last4: 'k1Qz', updated_at },
      { provider: 'old', last4: 'zzzz', updated_at },
    ],
  )
  assert.deepEqual(rows, [
    { id: 'openai', last4: 'k1Qz', updatedAt: updated_at, isConfigured: true },
    { id: 'exa', last4: null, updatedAt: null, isConfigured: true },
    { id: 'old', last4: 'zzzz', updatedAt: updated_at, isConfigured: false },
  ])
})
