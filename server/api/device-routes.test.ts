// How a device comes by its token, and how guessing of its secret is stopped, counted and told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiTest, openApiTest, withoutRequestId } from './test-support.ts'

const knock = (gateway: ApiTest, deviceId: string, secret: string) =>
  gateway.call('POST', '/device/auth', { body: { device_id: deviceId, device_secret: secret } })

test('a device trades its secret for a token, renews it and asks who it is', async (t) => {
  const gateway = await openApiTest(t)
  const acme = await gateway.makeClient('Acme')
  const device = await gateway.makeDevice(acme.id, 'pi_acme_001', { name: 'Door' })
  const answer = await knock(gateway, device.deviceId, device.secret)
  assert.equal(answer.status, 200)
  const { access_token, device_info, ...rest } = answer.json
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 900, customer_id: acme.externalId })
  const info = device_info as Record<string, unknown>
  assert.deepEqual(Object.keys(info).sort(), ['active', 'created_at', 'customer_id', 'device_id', 'name'])
  assert.deepEqual(
    [info.device_id, info.customer_id, info.name, info.active],
    ['pi_acme_001', 'acme', 'Door', true],
  )

  const token = String(access_token)
  const renewed = await gateway.call('POST', '/device/refresh', { token })
  assert.deepEqual(Object.keys(renewed.json).sort(), ['access_token', 'expires_in', 'token_type'])
  assert.notEqual(renewed.json.access_token, token)
  for (const good of [token, String(renewed.json.access_token)]) {
    const who = await gateway.call('GET', '/device/info', { token: good })
    assert.deepEqual([who.status, who.json], [200, info])
  }
})

test('no credential of another kind opens the routes of devices, and a device token opens no other', async (t) => {
  const gateway = await openApiTest(t)
  const { id, apiKey } = await gateway.makeClient('Acme')
  const deviceToken = await gateway.authenticate(await gateway.makeDevice(id, 'pi_1'))
  const adminToken = await gateway.signIn()
  const cases: [method: string, path: string, token: string][] = [
    ...['GET /device/info', 'POST /device/refresh', 'POST /vapi/start', 'POST /vapi/stop'].flatMap((route) =>
      [apiKey, adminToken].map((token): [string, string, string] => {
        const [method = '', path = ''] = route.split(' ')
        return [method, path, token]
      }),
    ),
    ['GET', '/admin/api/devices', deviceToken],
    ['GET', '/admin/api/devices', apiKey],
    ['GET', '/api/health', deviceToken],
    ['GET', '/api/provider-keys', deviceToken],
    ['GET', '/api/provider-keys', adminToken],
    ['GET', `/api/clients/${id}/keys`, deviceToken],
  ]
  for (const [method, path, token] of cases) {
    const answer = await gateway.call(method, path, { token })
    assert.deepEqual([path, answer.status, answer.error?.code], [path, 401, 'invalid_credential'])
  }
})

test('a missing field is 400; unknown, inactive and a wrong secret are one and the same 401', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const device = await gateway.makeDevice(id, 'pi_1')
  const inactive = await gateway.makeDevice(id, 'pi_2')
  await gateway.admin('POST', '/devices/pi_2/revoke')
  for (const [body, field] of [
    [{ device_id: 'pi_1' }, 'device_secret'],
    [{ device_secret: device.secret }, 'device_id'],
    [{ device_id: 'pi_1', device_secret: '' }, 'device_secret'],
    [{ device_id: 7, device_secret: device.secret }, 'device_id'],
  ] as const) {
    const answer = await gateway.call('POST', '/device/auth', { body })
    assert.equal(answer.status, 400)
    assert.match(answer.error?.message ?? '', new RegExp(`^${field}: `))
  }
  const refusals = [
    await knock(gateway, 'nobody', device.secret),
    await knock(gateway, inactive.deviceId, inactive.secret),
    await knock(gateway, device.deviceId, inactive.secret),
  ]
  assert.equal(refusals[0]?.error?.code, 'invalid_credential')
  assert.equal(new Set(refusals.map(withoutRequestId)).size, 1)
})

test('after five failures an address waits for the minute to end; others and successes are not held up', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const device = await gateway.makeDevice(id, 'pi_1')
  const from = (address: string) => {
    gateway.caller.address = address
  }
  from('10.0.0.1')
  for (let count = 0; count < 20; count++) await gateway.authenticate(device)
  for (let count = 0; count < 5; count++) assert.equal((await knock(gateway, 'pi_1', 'wrong')).status, 401)
  const locked = await knock(gateway, device.deviceId, device.secret)
  assert.deepEqual([locked.status, locked.error?.code], [429, 'too_many_auth_failures'])
  assert.equal(locked.headers.get('retry-after'), '60')
  from('10.0.0.2')
  await gateway.authenticate(device)
  from('10.0.0.1')
  gateway.clock.advance(60_000)
  await gateway.authenticate(device)
})

test('fifty guesses at once from one line are five tries', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  await gateway.makeDevice(id, 'pi_1')
  gateway.caller.address = '2001:db8:1:2::77'
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => knock(gateway, 'pi_1', `guess ${n}`)),
  )
  const count = (status: number) => answers.filter((answer) => answer.status === status).length
  assert.deepEqual([count(401), count(429)], [5, 45])
  gateway.caller.address = '2001:db8:1:2:ffff::1'
  assert.equal((await knock(gateway, 'pi_1', 'one more')).status, 429)
})

test('ten devices behind one address come back at once', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const devices = []
  for (let n = 0; n < 10; n++) devices.push(await gateway.makeDevice(id, `pi_${n}`))
  const tokens = await Promise.all(devices.map((device) => gateway.authenticate(device)))
  assert.equal(new Set(tokens).size, 10)
})

test('failures are counted in the metrics and told once a window, past the threshold', async (t) => {
  const gateway = await openApiTest(t, { ALERT_THRESHOLD_COUNT: '3', ALERT_THRESHOLD_SECONDS: '120' })
  gateway.caller.address = '10.0.0.9'
  for (let count = 0; count < 5; count++) await knock(gateway, 'pi_1', 'wrong')
  const timestamp = new Date(gateway.clock.now()).toISOString()
  assert.deepEqual(gateway.webhooks, [
    { event: 'device_auth_failures', client_ip: '10.0.0.9', count: 3, window_seconds: 120, timestamp },
  ])
  gateway.clock.advance(60_000)
  await knock(gateway, 'pi_1', 'wrong')
  assert.equal(gateway.webhooks.length, 1)
  gateway.clock.advance(60_000)
  for (let count = 0; count < 3; count++) await knock(gateway, 'pi_1', 'wrong')
  assert.equal(gateway.webhooks.length, 2)
  assert.match(await gateway.registry.metrics(), /^sallyport_device_auth_failures_total 9$/m)
  assert.ok(!gateway.logLines.some((line) => line.includes('wrong')))
})

test('a revoked device is refused on the next request, and its old tokens stay dead', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const device = await gateway.makeDevice(id, 'pi_1')
  const token = await gateway.authenticate(device)
  const info = async () => (await gateway.call('GET', '/device/info', { token })).status
  assert.equal(await info(), 200)
  await gateway.admin('POST', '/devices/pi_1/revoke')
  assert.equal(await info(), 401)
  await gateway.admin('POST', '/devices/pi_1/reactivate')
  assert.equal(await info(), 401)
  await gateway.authenticate(device)
})
