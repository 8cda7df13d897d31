// Tests of `sallyport settings …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const settings = {
  alert_webhook_url: 'https://hooks.example.com/a',
  alert_threshold_count: 10,
  alert_threshold_seconds: 300,
  archive_days: 30,
  failsafe_mode: 'closed',
}

test('settings set sends numbers as numbers and an empty value as null', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'PUT /admin/api/settings': { body: settings } })
  const args = ['settings', 'set', 'archive_days=30', 'alert_webhook_url=', 'failsafe_mode=closed']
  const result = await runCommand([...args, '--url', gateway.url], { env: signedIn })
  assert.equal(result.exitCode, 0, result.stderr)
  assert.deepEqual(JSON.parse(gateway.received[1]?.body ?? ''), {
    archive_days: 30,
    alert_webhook_url: null,
    failsafe_mode: 'closed',
  })
  assert.match(result.stdout, /^archive_days +30$/m)
})

test('settings set names the keys when one is unknown, and refuses what is no number', async () => {
  for (const [pair, reason] of [
    ['archive=3', /They are: alert_webhook_url, alert_threshold_count/],
    ['archive_days', /key=value/],
    ['archive_days=many', /archive_days: "many" is not a whole number/],
  ] as const) {
    const result = await runCommand(['settings', 'set', pair, '--url', 'http://127.0.0.1:1'])
    assert.match(result.stderr, reason)
    assert.equal(result.exitCode, 64)
  }
})
