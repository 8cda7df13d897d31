// Only what was changed is sent, and nothing that was typed is bent into shape.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesOf, toDraft } from './settings-draft.ts'

const stored = {
  alert_webhook_url: null,
  alert_threshold_count: 5,
  alert_threshold_seconds: 300,
  archive_days: 90,
  failsafe_mode: 'closed',
} as const

test('an untouched form has no changes', () => {
  assert.deepEqual(changesOf(stored, toDraft(stored)), {})
})

test('a changed number is sent as a number, and nothing else', () => {
  assert.deepEqual(changesOf(stored, { ...toDraft(stored), archive_days: ' 30 ' }), { archive_days: 30 })
})

test('what is no number goes to the server as it is, to be refused by name', () => {
  for (const text of ['', 'ten', '1e3', '0x10']) {
    assert.deepEqual(changesOf(stored, { ...toDraft(stored), archive_days: text }), { archive_days: text })
  }
})

test('an emptied webhook switches alerts off', () => {
  const withWebhook = { ...stored, alert_webhook_url: 'https://a.example/' }
  assert.deepEqual(changesOf(withWebhook, { ...toDraft(withWebhook), alert_webhook_url: ' ' }), {
    alert_webhook_url: null,
  })
})
