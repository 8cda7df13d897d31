// Tests of `sallyport alerts …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const sent = {
  ...{ alert_id: '01940000-0000-7000-8000-000000000001', client_id: 5, camera_id: 'front_door' },
  ...{ risk_level: 'HIGH', incident_type: 'burglary', analysis: 'A man breaks the lock.', state: 'sent' },
  ...{ recipient: 'guard@acme.com', attachment: 'clip', clip_ms: 10_000, clip_frames: 250, failure: null },
  ...{ created_at: '2026-11-20T08:00:00.000Z', sent_at: '2026-11-20T08:00:05.000Z' },
}
const failed = {
  ...{ ...sent, alert_id: '01940000-0000-7000-8000-000000000002', state: 'failed', sent_at: null },
  ...{ attachment: 'none', clip_ms: null, clip_frames: null, failure: '550 no such mailbox' },
}
const pageOf = (...items: object[]) => ({
  body: { items, total: items.length, page: 1, page_size: 20 },
})

test('alerts are listed with what became of their mails, and why one was refused', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/alerts': pageOf(failed, sent) })
  const args = ['alerts', 'list', '--camera', 'front_door', '--state', 'failed', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(result.stderr, '')
  assert.match(gateway.received[1]?.url ?? '', /\?camera_id=front_door&state=failed$/)
  assert.match(result.stdout, /front_door +HIGH +burglary +failed: 550 no such mailbox +- .*no picture/)
  assert.match(result.stdout, /sent +2026-11-20 08:00:05Z +guard@acme\.com +clip of 10\.0 s, 250 frames/)
})

test('an empty history says so', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/alerts': pageOf() })
  const result = await runCommand(['alerts', 'list', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, 'No alerts.\n')
})
