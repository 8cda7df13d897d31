// Tests of signing in and of what a command says when the gateway is away, refuses, or is none.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  createTestFolder,
  errorAnswer,
  runCommand,
  signedIn,
  startAnsweringServer,
  startGatewayStandIn,
} from './test-support.ts'

const settings = {
  alert_webhook_url: null,
  alert_threshold_count: 5,
  alert_threshold_seconds: 300,
  archive_days: 90,
  failsafe_mode: 'closed',
}
const answers = { 'GET /admin/api/settings': { body: settings } }

test('the port of the configuration and the token file of the data folder are found without any option', async (t) => {
  const gateway = await startGatewayStandIn(t, answers)
  const dataDir = createTestFolder(t)
  writeFileSync(join(dataDir, 'admin-token'), 'spadm_local\n')
  const env = { APP_PORT: String(gateway.port), DATA_DIR: dataDir }
  const result = await runCommand(['settings'], { env, workingDir: dataDir })
  assert.equal(result.exitCode, 0, result.stderr)
  assert.deepEqual(gateway.received, [
    { method: 'GET', url: '/admin/api/settings', authorization: 'Bearer spadm_local', body: '' },
  ])
})

test('the token file is never shown to another host', async (t) => {
  const dataDir = createTestFolder(t)
  writeFileSync(join(dataDir, 'admin-token'), 'spadm_local\n')
  const args = ['settings', '--url', 'https://gateway.example.com']
  const result = await runCommand(args, { env: { DATA_DIR: dataDir }, workingDir: dataDir })
  assert.match(result.stderr, /set SALLYPORT_ADMIN_PASSWORD to sign in at https:\/\/gateway\.example\.com/)
  assert.equal(result.exitCode, 77)
})

test('without password and token file the command says how to sign in, or that no gateway runs', async (t) => {
  const workingDir = createTestFolder(t)
  const gateway = await startAnsweringServer(t, { 'GET /health': { body: { status: 'ok' } } })
  const running = await runCommand(['settings', '--url', gateway.url], { workingDir })
  assert.match(running.stderr, /SALLYPORT_ADMIN_PASSWORD is not set, and there is no readable token file/)
  assert.equal(running.exitCode, 77)
  const stopped = await runCommand(['settings', '--url', 'http://127.0.0.1:1'], { workingDir })
  assert.match(stopped.stderr, /no gateway answers at/)
  assert.equal(stopped.exitCode, 69)
})

test('a wrong password and a locked address end with exit code 77', async (t) => {
  const wrong = errorAnswer(401, 'wrong_password', 'The password is wrong.')
  const locked = {
    ...errorAnswer(429, 'too_many_login_attempts', 'Too many.'),
    headers: { 'retry-after': '42' },
  }
  for (const [answer, text] of [
    [wrong, /The password is wrong\. \(wrong_password, request req-1\)\n.*not the password of this gateway/],
    [locked, /Too many\. Try again in 42 s\./],
  ] as const) {
    const gateway = await startAnsweringServer(t, { 'POST /admin/api/login': answer })
    const result = await runCommand(['settings', '--url', gateway.url], { env: signedIn })
    assert.match(result.stderr, text)
    assert.equal(result.exitCode, 77)
  }
})

test('a gateway that is away ends with exit code 69 and the remedy', async (t) => {
  const gateway = await startGatewayStandIn(t, answers)
  const result = await runCommand(['settings', '--url', 'http://127.0.0.1:1'], { env: signedIn })
  assert.match(result.stderr, /no gateway answers at http:\/\/127\.0\.0\.1:1 \(.+\)\. Start it with/)
  assert.equal(result.exitCode, 69)
  assert.deepEqual(gateway.received, [])
})

test('a redirect is not followed and a server that is no gateway is told apart', async (t) => {
  const other = await startGatewayStandIn(t, answers)
  const server = await startAnsweringServer(t, {
    'POST /admin/api/login': {
      status: 307,
      headers: { location: `${other.url}/admin/api/login` },
      body: 'moved',
    },
  })
  const result = await runCommand(['settings', '--url', server.url], { env: signedIn })
  assert.match(result.stderr, /answered 307, but not as a Sallyport gateway does/)
  assert.equal(result.exitCode, 69)
  assert.deepEqual(other.received, [])
})

test('an answer of an unknown shape is an error, not a half-empty table', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/settings': { body: { archive_days: 90 } } })
  const result = await runCommand(['settings', '--url', gateway.url], { env: signedIn })
  assert.match(result.stderr, /a shape that this version does not know/)
  assert.equal(result.exitCode, 1)
})

test('--url takes only an http address without query and credentials', async () => {
  for (const url of ['localhost:7000', 'ftp://host', 'http://me:secret@host', 'http://host?x=1', 'x']) {
    const result = await runCommand(['settings', '--url', url], { env: signedIn })
    assert.match(result.stderr, /is not an http:\/\/ or https:\/\/ address/)
    assert.equal(result.exitCode, 64)
  }
})

test('a slash at the end of --url and a path prefix are both understood', async (t) => {
  const gateway = await startAnsweringServer(t, {
    'POST /gate/admin/api/login': { body: { access_token: 'x', token_type: 'bearer', expires_in: 1 } },
    'GET /gate/admin/api/settings': { body: settings },
  })
  const result = await runCommand(['settings', '--url', `${gateway.url}/gate/`], { env: signedIn })
  assert.equal(result.exitCode, 0, result.stderr)
})
