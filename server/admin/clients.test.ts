// Clients, keys, devices and providers through the admin API: allowed, malformed, absent; each change is recorded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApiTest } from '../api/test-support.ts'
import { addEvents, usageEventOf } from '../usage/test-support.ts'

const items = (json: Record<string, unknown>) => json.items as Record<string, unknown>[]

test('a client is made with a key that works, changed, suspended, reactivated and deleted', async (t) => {
  const { admin, call } = await openApiTest(t)
  const made = await admin('POST', '/clients', { name: 'Acme Corporation', email: 'security@acme.com' })
  assert.equal(made.status, 201)
  const { client, api_key: apiKey } = made.json as { client: { id: number }; api_key: string }
  const { id } = client
  assert.deepEqual(client, {
    id,
    external_id: 'acme-corporation',
    name: 'Acme Corporation',
    email: 'security@acme.com',
    status: 'active',
    shared_keys: false,
    settings: {},
    created_at: (client as { created_at?: string }).created_at,
  })
  assert.match(apiKey, /^sp_[A-Za-z0-9]{64}$/)
  const health = async () => (await call('GET', '/api/health', { token: apiKey })).status
  assert.equal(await health(), 200)

  const changed = await admin('PATCH', `/clients/${id}`, {
    name: 'Acme',
    settings: { requests_per_minute: 60 },
  })
  assert.deepEqual([changed.json.name, changed.json.settings], ['Acme', { requests_per_minute: 60 }])
  assert.deepEqual((await admin('GET', `/clients/${id}`)).json, changed.json)
  assert.deepEqual(items((await admin('GET', '/clients?q=acme')).json), [changed.json])

  assert.equal((await admin('POST', `/clients/${id}/revoke`)).json.status, 'suspended')
  assert.equal(await health(), 401)
  assert.equal((await admin('POST', `/clients/${id}/reactivate`, {})).json.status, 'active')
  assert.equal(await health(), 200)
  const deleted = await admin('DELETE', `/clients/${id}?usage=drop`)
  assert.deepEqual([deleted.status, deleted.json.id], [200, id])
  assert.equal(await health(), 401)
  assert.equal((await admin('GET', `/clients/${id}`)).status, 404)
  const audit = items((await admin('GET', '/audit')).json).map(({ action }) => action)
  assert.deepEqual(audit.slice(0, 5), [
    'client.delete',
    'client.reactivate',
    'client.suspend',
    'client.update',
    'client.create',
  ])
})

test('deleting a client invoices its open usage or drops it, and leaves every issued invoice as it was', async (t) => {
  // A Tuesday of week 47.
  const { admin, makeClient, database } = await openApiTest(
    t,
    {},
    { nowMs: Date.parse('2026-11-17T10:00:00Z') },
  )
  const [acme, globex] = [await makeClient('Acme'), await makeClient('Globex')]
  const use = (created_at: string) =>
    database.transaction((tx) =>
      addEvents(
        tx,
        [acme, globex].map(({ id }) => usageEventOf(id, { created_at })),
      ),
    )
  const run = (week: string) => admin('POST', '/invoices/run', { week, allow_open: true })
  const invoices = async (query = '') => items((await admin('GET', `/invoices${query}`)).json)
  await use('2026-11-10T09:00:00.000Z')
  assert.equal((await run('2026-W46')).status, 200)
  const issued = await invoices('?week=2026-W46')
  assert.deepEqual(issued.map(({ number }) => number).sort(), ['2026-W46-001', '2026-W46-002'])
  await use('2026-11-16T09:00:00.000Z')
  await use('2026-11-17T09:00:00.000Z')

  assert.equal((await admin('DELETE', `/clients/${acme.id}`)).status, 200)
  assert.equal((await admin('DELETE', `/clients/${globex.id}?usage=drop`)).status, 200)
  const [last, ...others] = await invoices('?week=2026-W47')
  assert.deepEqual(others, [])
  assert.deepEqual(
    [last?.number, last?.client_id, last?.calls, last?.total_micros, last?.state],
    ['2026-W47-001', acme.id, 2, 200_000, 'issued'],
  )
  assert.deepEqual((await run('2026-W47')).json.invoices, [last])
  assert.deepEqual(await invoices('?week=2026-W46'), issued)
  for (const { number, client_id } of issued) {
    const page = await admin('GET', `/invoices/${number}.html`)
    assert.match(page.text, client_id === acme.id ? /Acme/ : /Globex/)
  }
  const usage = await admin('GET', `/usage?client_id=${globex.id}`)
  assert.equal(usage.json.total, 3, 'the ledger keeps what was dropped, until its retention')
})

test('deleting a client leaves none of its credentials, provider keys, bindings or calls', async (t) => {
  const gateway = await openApiTest(t)
  const { admin, call, database } = gateway
  const { id, apiKey } = await gateway.makeClient('Acme')
  const bound = await gateway.makeKey(id, { binding: { policy: 'first_use' } })
  assert.equal((await call('GET', '/api/health', { token: bound.apiKey })).status, 200)
  const fixed = { binding: { mode: 'multiple', allowed_ips: ['127.0.0.1', '10.0.0.0/8'] } }
  const device = await gateway.makeDevice(id, 'pi_1', fixed)
  const token = await gateway.authenticate(device)
  await admin('PUT', `/clients/${id}/provider-keys/openai`, { api_key: 'sk-own-0123456789' })
  const { rows: before } = await database.query('select 1 from bindings where client_id = $1', [id])
  assert.equal(before.length, 2)

  assert.equal((await admin('DELETE', `/clients/${id}`)).status, 200)
  const statuses = await Promise.all([
    call('GET', '/api/health', { token: apiKey }),
    call('GET', '/device/info', { token }),
    call('POST', '/device/auth', { body: { device_id: 'pi_1', device_secret: device.secret } }),
  ])
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [401, 401, 401],
  )
  for (const table of [
    'clients',
    'api_keys',
    'api_key_secrets',
    'devices',
    'device_secrets',
    'provider_keys',
    'bindings',
    'vapi_calls',
  ]) {
    const { rows } = await database.query(`select 1 from ${table}`)
    assert.deepEqual([table, rows.length], [table, 0])
  }
})

test('keys are made with wishes, listed, revoked, reactivated and rotated with a grace', async (t) => {
  const gateway = await openApiTest(t)
  const { admin, call, clock } = gateway
  const { id } = await gateway.makeClient('Acme')
  const wishes = {
    name: 'build server',
    expires_at: new Date(clock.now() + 7_200_000).toISOString(),
    scopes: ['proxy:openai', 'usage'],
    models: ['gpt-5'],
    requests_per_minute: 100,
  }
  const made = await admin('POST', `/clients/${id}/keys`, wishes)
  assert.equal(made.status, 201)
  const { key, api_key: first } = made.json as { key: Record<string, unknown>; api_key: string }
  assert.deepEqual({ ...key, ...wishes }, key)
  const works = async (apiKey: string) => (await call('GET', '/api/health', { token: apiKey })).status === 200

  assert.equal((await admin('POST', `/keys/${key.id}/revoke`)).json.status, 'revoked')
  assert.equal(await works(first), false)
  assert.equal((await admin('POST', `/keys/${key.id}/rotate`)).status, 409)
  assert.equal((await admin('POST', `/keys/${key.id}/reactivate`)).json.status, 'active')
  assert.equal(await works(first), true)

  const rotated = await admin('POST', `/keys/${key.id}/rotate`, { grace_seconds: 60 })
  assert.equal(rotated.status, 201)
  const second = String(rotated.json.api_key)
  assert.deepEqual([await works(first), await works(second)], [true, true])
  clock.advance(60_000)
  assert.deepEqual([await works(first), await works(second)], [false, true])
  clock.advance(7_200_000)
  assert.equal(await works(second), false)
  const [listed] = items((await admin('GET', `/clients/${id}/keys`)).json)
  assert.deepEqual([listed?.id, listed?.status], [key.id, 'expired'])
})

test('devices are registered, listed, shown, and given new secrets', async (t) => {
  const gateway = await openApiTest(t)
  const { admin } = gateway
  const acme = await gateway.makeClient('Acme')
  const other = await gateway.makeClient('Other')
  const registered = await admin('POST', '/devices', { device_id: 'pi_1', customer_id: 'acme', name: 'Door' })
  assert.equal(registered.status, 201)
  const device = registered.json.device as Record<string, unknown>
  assert.deepEqual([device.device_id, device.client_id, device.last_seen_at], ['pi_1', acme.id, null])
  await gateway.makeDevice(other.id, 'pi_2')
  assert.deepEqual(items((await admin('GET', `/devices?client_id=${acme.id}`)).json), [device])
  assert.deepEqual((await admin('GET', '/devices/pi_1')).json, device)

  const taken = await admin('POST', '/devices', { device_id: 'pi_1', client_id: other.id })
  assert.deepEqual([taken.status, taken.error?.code], [409, 'conflict'])
  const rotated = await admin('POST', '/devices/pi_1/rotate-secret')
  const old = { deviceId: 'pi_1', secret: String(registered.json.device_secret) }
  await assert.rejects(gateway.authenticate(old))
  await gateway.authenticate({ deviceId: 'pi_1', secret: String(rotated.json.device_secret) })
})

test('providers tell the last characters of the shared key, and from where it is', async (t) => {
  const gateway = await openApiTest(t, {
    EXA_API_KEY: 'exa-key-0123456789',
    OPENAI_API_KEY: 'openai-env-key-7777',
  })
  const { admin } = gateway
  const keyOf = async (name: string) =>
    items((await admin('GET', '/providers')).json).find((provider) => provider.name === name)?.shared_key
  assert.deepEqual(await keyOf('exa'), { last4: '6789', updated_at: null, source: 'environment' })
  assert.equal(await keyOf('gemini'), null)
  const set = await admin('PUT', '/providers/openai/key', { api_key: 'sk-shared-0123456789' })
  assert.deepEqual([set.status, set.json.last4], [200, '6789'])
  const { updated_at } = set.json
  assert.deepEqual(await keyOf('openai'), { last4: '6789', updated_at, source: 'admin' })
  assert.equal((await admin('DELETE', '/providers/openai/key')).status, 204)
  assert.equal((await admin('DELETE', '/providers/openai/key')).status, 404)
  assert.deepEqual(await keyOf('openai'), { last4: '7777', updated_at: null, source: 'environment' })
  const unknown = await admin('PUT', '/providers/nowhere/key', { api_key: 'x' })
  assert.deepEqual([unknown.status, unknown.error?.code], [404, 'unknown_provider'])
})

test('what is not there is 404, and what is taken 409 naming the field', async (t) => {
  const gateway = await openApiTest(t)
  const { admin } = gateway
  await gateway.makeClient('Acme')
  const absent: [method: string, path: string, body?: unknown][] = [
    ['GET', '/clients/99'],
    ['PATCH', '/clients/99', { name: 'x' }],
    ['DELETE', '/clients/99'],
    ['POST', '/clients/99/revoke'],
    ['POST', '/clients/99/reactivate'],
    ['GET', '/clients/99/keys'],
    ['POST', '/clients/99/keys', {}],
    ['GET', '/clients/99/provider-keys'],
    ['PUT', '/clients/99/provider-keys/openai', { api_key: 'x' }],
    ['DELETE', '/clients/99/provider-keys/openai'],
    ['POST', '/keys/99/revoke'],
    ['POST', '/keys/99/reactivate'],
    ['POST', '/keys/99/rotate', {}],
    ['GET', '/devices/nobody'],
    ['POST', '/devices/nobody/revoke'],
    ['POST', '/devices/nobody/reactivate'],
    ['POST', '/devices/nobody/rotate-secret'],
  ]
  for (const [method, path, body] of absent) {
    const answer = await admin(method, path, body)
    assert.deepEqual([path, answer.status, answer.error?.code], [path, 404, 'not_found'])
  }
  const taken = [
    [{ name: 'Other', email: 'other@example.com', external_id: 'acme' }, /^external_id: /],
    [{ name: 'Other', email: 'ACME@example.com' }, /^email: /],
  ] as const
  for (const [body, says] of taken) {
    const answer = await admin('POST', '/clients', body)
    assert.equal(answer.status, 409)
    assert.match(answer.error?.message ?? '', says)
  }
})

const malformed: [method: string, path: string, body: unknown, says: RegExp][] = [
  ['POST', '/clients', { email: 'a@example.com' }, /^name: is missing/],
  ['POST', '/clients', { name: 'A' }, /^email: /],
  ['POST', '/clients', { name: ' ', email: 'a@example.com' }, /^name: must have 1/],
  ['POST', '/clients', { name: 'A', email: 'nonsense' }, /^email: must be an email address/],
  [
    'POST',
    '/clients',
    { name: 'A', email: 'a@example.com', external_id: 'Not A Slug' },
    /^external_id: must be/,
  ],
  ['POST', '/clients', { name: 'A', email: 'a@example.com', id: 7 }, /unknown field "id"/],
  ['GET', '/clients/abc', undefined, /^id: must be a whole number/],
  ['GET', '/clients/1e3', undefined, /^id: must be a whole number/],
  ['GET', '/clients/0', undefined, /^id: must be a whole number/],
  ['GET', '/clients?status=gone', undefined, /^status: must be one of/],
  ['GET', '/clients?page_size=500', undefined, /^page_size: /],
  ['PATCH', '/clients/1', { settings: { requests_per_minute: 0 } }, /^settings.requests_per_minute: /],
  ['PATCH', '/clients/1', { settings: { colour: 'red' } }, /unknown field "colour"/],
  ['DELETE', '/clients/1?usage=keep', undefined, /^usage: must be one of: invoice, drop/],
  ['POST', '/clients/1/keys', { scopes: ['everything'] }, /^scopes.0: must be video, alert/],
  ['POST', '/clients/1/keys', { scopes: [] }, /^scopes: must have 1/],
  ['POST', '/clients/1/keys', { expires_at: 'tomorrow' }, /^expires_at: must be a time/],
  ['POST', '/clients/1/keys', { requests_per_minute: -1 }, /^requests_per_minute: /],
  ['POST', '/clients/1/keys', { binding: { mode: 'single', allowed_ips: ['10.0.0.256'] } }, /10\.0\.0\.256/],
  ['POST', '/keys/1/rotate', { grace_seconds: 1.5 }, /^grace_seconds: /],
  ['POST', '/keys/1/rotate', { grace_seconds: 9_999_999 }, /^grace_seconds: /],
  ['POST', '/devices', { client_id: 1 }, /^device_id: is missing|^device_id: /],
  ['POST', '/devices', { device_id: '../x', client_id: 1 }, /^device_id: must be 1 to 128/],
  ['POST', '/devices', { device_id: 'pi_9' }, /^client_id: name the client by exactly one/],
  [
    'POST',
    '/devices',
    { device_id: 'pi_9', client_id: 1, customer_id: 'acme' },
    /^client_id: name the client/,
  ],
  ['POST', '/devices', { device_id: 'pi_9', client_id: 99 }, /^client_id: there is no client/],
  ['POST', '/devices', { device_id: 'pi_9', customer_id: 'nobody' }, /^customer_id: there is no client/],
  ['GET', '/devices?client_id=x', undefined, /^client_id: must be a whole number/],
  ['PUT', '/providers/openai/key', { api_key: 'a b' }, /^api_key: must be printable/],
  ['PUT', '/providers/OpenAI/key', { api_key: 'a' }, /^name: must be a provider name/],
]

test('malformed input names the field, what is wrong with it and what to send', async (t) => {
  const { admin, makeClient } = await openApiTest(t)
  await makeClient('Acme')
  for (const [method, path, body, says] of malformed) {
    const answer = await admin(method, path, body)
    assert.deepEqual([path, answer.status, answer.error?.code], [path, 400, 'malformed_request'])
    assert.match(answer.error?.message ?? '', says)
  }
})
