// A client's own settings of cameras survive the form, and what was emptied goes back to the configuration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientSettings } from '@sallyport/contract'
import { toVideoDraft, videoChangesOf } from './video-draft.ts'

const settings: ClientSettings = {
  requests_per_minute: 60,
  alert_email: 'guard@acme.com',
  video: { analysis_fps: 12, alert_on_incident: false, alert_cooldown_seconds: 0, prompt: 'Smoke?' },
}

test('what was not touched is sent as it was, and nothing of another kind', () => {
  const { alert_email, video } = settings
  assert.deepEqual(videoChangesOf(toVideoDraft(settings)), { settings: { alert_email, video } })
})

test('without settings the form is empty, and an empty form takes all away', () => {
  assert.ok(Object.values(toVideoDraft({})).every((text) => text === ''))
  assert.deepEqual(videoChangesOf(toVideoDraft({})), { settings: { alert_email: null, video: null } })
  const draft = { ...toVideoDraft(settings), analysis_fps: ' ', prompt: '', alert_email: ' ' }
  assert.deepEqual(videoChangesOf(draft), {
    settings: { alert_email: null, video: { alert_on_incident: false, alert_cooldown_seconds: 0 } },
  })
})

test('what is no number is for the server to refuse', () => {
  const draft = { ...toVideoDraft({}), analysis_fps: 'many', alert_on_incident: 'on' as const }
  assert.deepEqual(videoChangesOf(draft).settings?.video, { alert_on_incident: true, analysis_fps: 'many' })
})
