// Tests of `sallyport audit …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

test('audit verify ends with exit code 1 and names the first bad row', async (t) => {
  const whole = await startGatewayStandIn(t, {
    'GET /admin/api/audit/verify': { body: { ok: true, rows: 12, first_bad_id: null } },
  })
  const good = await runCommand(['audit', 'verify', '--url', whole.url], { env: signedIn })
  assert.deepEqual(good, { exitCode: 0, stdout: 'The audit log is whole: 12 rows.\n', stderr: '' })

  const broken = await startGatewayStandIn(t, {
    'GET /admin/api/audit/verify': { body: { ok: false, rows: 12, first_bad_id: 7 } },
  })
  for (const format of [[], ['--json']]) {
    const args = ['audit', 'verify', ...format, '--url', broken.url]
    const bad = await runCommand(args, { env: signedIn })
    assert.match(bad.stderr, /the audit log is broken: row 7/)
    assert.equal(bad.exitCode, 1)
  }
})

test('audit list shows who changed what', async (t) => {
  const row = {
    id: 4,
    created_at: '2026-11-20T11:00:00.000Z',
    actor: 'console',
    address: '127.0.0.1',
    action: 'binding.ban',
    target: '17',
    before: { status: 'active' },
    after: { status: 'banned' },
  }
  const page = { items: [row], total: 1, page: 1, page_size: 20 }
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/audit': { body: page } })
  const args = ['audit', 'list', '--action', 'binding.ban', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.match(result.stdout, /4 +2026-11-20 11:00:00Z +console +127\.0\.0\.1 +binding\.ban +17/)
  assert.equal(gateway.received[1]?.url, '/admin/api/audit?action=binding.ban')
})
