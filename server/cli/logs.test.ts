// Tests of `sallyport logs` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestFolder, errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const intercept = {
  id: '31',
  token_display: 'sk-Ab12...wxYZ',
  client_ip: '203.0.113.9',
  allowed_ips: ['198.51.100.7'],
  method: 'POST',
  path: '/v1/chat/completions',
  reason: 'ip_not_allowed',
  alerted: true,
  created_at: '2026-11-20T11:00:00.000Z',
  request_id: 'req-31',
  count: 3,
}

test('logs shows who was refused, from where and why', async (t) => {
  const page = { items: [intercept], total: 1, page: 1, page_size: 20 }
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/logs': { body: page } })
  const args = ['logs', '--ip', '203.0.113.0/24', '--from', '2026-11-20', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.match(
    result.stdout,
    /203\.0\.113\.9 +ip_not_allowed +198\.51\.100\.7 +3 +yes +POST \/v1\/chat\/completions/,
  )
  assert.equal(gateway.received[1]?.url, '/admin/api/logs?ip=203.0.113.0%2F24&from=2026-11-20')
})

test('logs --export writes the whole file for its owner only, or none at all', async (t) => {
  const csv = 'id,token_display\n31,sk-Ab12...wxYZ\n'
  const folder = createTestFolder(t)
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/logs/export': { body: csv } })
  const file = join(folder, 'intercepts.csv')
  const result = await runCommand(['logs', '--export', file, '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, `Written to ${file}.\n`)
  assert.equal(readFileSync(file, 'utf8'), csv)
  assert.equal(statSync(file).mode & 0o777, 0o600)

  const away = await startGatewayStandIn(t, {
    'GET /admin/api/logs/export': errorAnswer(503, 'database_unavailable', 'The database is away.'),
  })
  const failed = join(folder, 'failed.csv')
  const refused = await runCommand(['logs', '--export', failed, '--url', away.url], { env: signedIn })
  assert.match(refused.stderr, /The database is away\./)
  assert.equal(refused.exitCode, 69)
  assert.equal(existsSync(failed), false)
  assert.deepEqual(readdirSync(folder), ['intercepts.csv'])
})

test('logs --export cut off in the middle leaves no file behind', async (t) => {
  const folder = createTestFolder(t)
  const short = { headers: { 'content-length': '1000' }, body: 'id,token_display\n' }
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/logs/export': short })
  const file = join(folder, 'cut.csv')
  const result = await runCommand(['logs', '--export', file, '--url', gateway.url], { env: signedIn })
  assert.equal(result.exitCode, 69, result.stderr)
  assert.deepEqual(readdirSync(folder), [])
})

test('logs --export - writes to standard output', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/logs/export': { body: 'id\n31\n' } })
  const result = await runCommand(['logs', '--export', '-', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, 'id\n31\n')
})
