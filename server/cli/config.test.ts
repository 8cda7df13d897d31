// Tests of `sallyport config …`.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestFolder, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const settings = {
  alert_webhook_url: null,
  alert_threshold_count: 9,
  alert_threshold_seconds: 300,
  archive_days: 90,
  failsafe_mode: 'closed',
}

test('config check says OK in one line and writes nothing', async (t) => {
  const workingDir = createTestFolder(t)
  const result = await runCommand(['config', 'check'], { workingDir })
  assert.deepEqual(result, { exitCode: 0, stdout: 'The configuration is right (file: none).\n', stderr: '' })
  assert.deepEqual(readdirSync(workingDir), [])
})

test('config show tells where each value comes from and hides every secret', async (t) => {
  const workingDir = createTestFolder(t)
  writeFileSync(join(workingDir, '.env'), 'BINDING_MODE=observe\nREDIS_PASSWORD=hidden-one\n')
  writeFileSync(join(workingDir, 'sallyport.yaml'), 'retention: { audit_days: 7 }\n')
  const env = { APP_PORT: '7123', METRICS_TOKEN: 'hidden-two-of-at-least-32-characters' }
  const result = await runCommand(['config', 'show', '--url', 'http://127.0.0.1:1'], {
    env: { ...env, ...signedIn },
    workingDir,
  })
  assert.equal(result.exitCode, 0)
  assert.match(result.stdout, /^APP_PORT +7123 +environment /m)
  assert.match(result.stdout, /^BINDING_MODE +observe +\.env /m)
  assert.match(result.stdout, /^HOST +127\.0\.0\.1 +default /m)
  assert.match(result.stdout, /^SENTINEL_HMAC_SECRET +\[secret\] +generated /m)
  assert.match(result.stdout, /^METRICS_TOKEN +\[secret\] +environment /m)
  assert.match(result.stdout, /^retention\.audit_days +7 +file/m)
  assert.match(result.stdout, /^retention\.intercepts_days +180 +default/m)
  assert.doesNotMatch(result.stdout, /hidden/)
  assert.match(result.stderr, /settings changed live are not shown: no gateway answers/)
})

test('config show puts a setting that was changed live over the environment', async (t) => {
  const workingDir = createTestFolder(t)
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/settings': { body: settings },
    'GET /admin/api/diagnostics': {
      body: { untrusted_real_ip_peers: [], live_settings: ['alert_threshold_count'] },
    },
  })
  const env = { ...signedIn, ALERT_THRESHOLD_COUNT: '3', ARCHIVE_DAYS: '90' }
  const result = await runCommand(['config', 'show', '--json', '--url', gateway.url], { env, workingDir })
  assert.equal(result.stderr, '')
  const rows = JSON.parse(result.stdout) as { key: string; value: string; source: string }[]
  const row = (key: string) => {
    const { value, source } = rows.find((candidate) => candidate.key === key) ?? {}
    return { value, source }
  }
  assert.deepEqual(row('ALERT_THRESHOLD_COUNT'), { value: '9', source: 'live' })
  assert.deepEqual(row('ARCHIVE_DAYS'), { value: '90', source: 'environment' })
})

test('config schema prints a JSON Schema that knows the sections of the file', async () => {
  const result = await runCommand(['config', 'schema'])
  const schema = JSON.parse(result.stdout) as { properties: object }
  assert.ok('limits' in schema.properties && 'retention' in schema.properties)
})
