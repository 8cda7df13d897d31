// Tests of what monitoring asks: health, readiness, metrics; and of the documentation pages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestGateway } from './test-support.ts'

test('health is ok without a credential, for HEAD as well', async (t) => {
  const gateway = await openTestGateway(t)
  const answer = await gateway.call('GET', '/health')
  assert.deepEqual([answer.status, answer.text], [200, '{"status":"ok"}'])
  assert.equal((await gateway.call('HEAD', '/health')).status, 200)
})

test('readiness names each component and its state, and is 503 exactly while calls cannot be decided', async (t) => {
  let canDecide = true
  const options = { env: { BINDING_MODE: 'observe' }, bindings: { canDecide: () => canDecide } }
  const gateway = await openTestGateway(t, options)
  const ready = async () => {
    const { status, json } = await gateway.call('GET', '/health/ready')
    return [status, json.status]
  }
  assert.deepEqual((await gateway.call('GET', '/health/ready')).json, {
    status: 'ready',
    components: { database: { state: 'up' }, redis: { state: 'off' }, journal: { state: 'up' } },
    binding_mode: 'observe',
    failsafe_mode: 'closed',
  })
  gateway.components.redis = { state: 'down', detail: 'no answer' }
  assert.deepEqual(await ready(), [200, 'degraded'])
  canDecide = false
  assert.deepEqual(await ready(), [503, 'unavailable'])
})

test('metrics open for their own token and for an admin, and their token opens nothing else', async (t) => {
  const gateway = await openTestGateway(t)
  const token = gateway.config.metricsToken?.reveal() ?? ''
  const metrics = await gateway.call('GET', '/metrics', { token })
  assert.equal(metrics.status, 200)
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/)
  assert.match(metrics.text, /^# HELP sallyport_admin_logins_total/m)
  assert.equal((await gateway.call('GET', '/metrics', { token: await gateway.signIn() })).status, 200)
  assert.equal((await gateway.call('GET', '/metrics', { token: `${token}x` })).status, 401)
  assert.equal((await gateway.call('GET', '/metrics')).status, 401)
  assert.equal((await gateway.call('GET', '/admin/api/settings', { token })).status, 401)
})

test('the documentation describes every route and runs nothing', async (t) => {
  const gateway = await openTestGateway(t)
  const { json, headers } = await gateway.call('GET', '/docs/json')
  assert.match(headers.get('content-type') ?? '', /^application\/json/)
  const page = await gateway.call('GET', '/docs')
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'self'/)
  assert.doesNotMatch(page.text, /<script|style=|\son[a-z]+=|https?:\/\//i)
  const paths = Object.keys(json.paths as object)
  assert.ok(paths.includes('/admin/api/bindings/ip') && paths.includes('/health'))
  for (const path of paths) assert.ok(page.text.includes(path), path)
  assert.equal((await gateway.call('GET', '/docs/style.css')).status, 200)
})
