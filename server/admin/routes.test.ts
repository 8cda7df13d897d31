// Tests of every route: allowed, not authenticated, malformed; and of the one form of every failure.
import assert from 'node:assert/strict'
import { request as rawRequest } from 'node:http'
import { test } from 'node:test'
import { codeOf, openRaw } from '../http/test-support.ts'
import { EngineAwayError } from '../store/store.ts'
import { type Answer, adminPassword, openTestGateway, type TestGateway } from './test-support.ts'

const token = 'sk-abcdefghijklmnopqrstuvwxyz'

/** The operations of the gateway's own description: no route can be forgotten here. */
async function listOperations(gateway: TestGateway) {
  const { json } = await gateway.call('GET', '/docs/json')
  const paths = json.paths as Record<string, Record<string, { security?: unknown[] }>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      path,
      method: method.toUpperCase(),
      isOpen: security?.length === 0,
    })),
  )
}

function assertEnvelope(answer: Answer, status: number, code: string) {
  assert.equal(answer.status, status)
  assert.deepEqual(Object.keys(answer.json), ['error'])
  assert.equal(answer.error?.code, code)
  assert.equal((answer.error as { type?: string }).type, 'sallyport_error')
  assert.match(answer.error?.request_id ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(answer.headers.get('x-request-id'), answer.error?.request_id)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
}

test('every route but those that sign in and health asks for a credential', async (t) => {
  const gateway = await openTestGateway(t, { env: { DEPLOY_ENV: 'test' } })
  const operations = await listOperations(gateway)
  assert.ok(operations.length >= 20)
  const open = operations.filter(({ isOpen }) => isOpen).map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(open.sort(), [
    'DELETE /admin/api/session',
    'GET /api/health',
    'GET /health',
    'GET /health/ready',
    'POST /admin/api/login',
    'POST /admin/api/session',
    'POST /device/auth',
  ])
  for (const { method, path, isOpen } of operations) {
    if (isOpen) continue
    const bearer = await gateway.call(method, path, { token: 'nonsense', body: bodyFor(method) })
    const bare = await gateway.call(method, path, { body: bodyFor(method) })
    assertEnvelope(bearer, 401, 'invalid_credential')
    const isAdmins = !/^\/(api|device|vapi)\//.test(path)
    assertEnvelope(bare, 401, isAdmins ? 'invalid_credential' : 'credential_missing')
  }
})

test('an unauthenticated body is not even parsed', async (t) => {
  const gateway = await openTestGateway(t)
  assertEnvelope(await gateway.call('PUT', '/admin/api/settings', { body: '{' }), 401, 'invalid_credential')
})

function bodyFor(method: string) {
  return method === 'GET' || method === 'HEAD' ? undefined : {}
}

const malformed: [method: string, path: string, body: unknown, says: RegExp][] = [
  ['POST', '/admin/api/login', {}, /^password: is missing: it must be a text/],
  ['POST', '/admin/api/login', { password: 7 }, /^password: must be a text/],
  ['POST', '/admin/api/login', { password: '' }, /^password: must have 1 characters or more/],
  [
    'POST',
    '/admin/api/clients/1/keys',
    { requests_per_minute: 0 },
    /^requests_per_minute: must be 1 or more/,
  ],
  ['POST', '/admin/api/login', { password: 'x', user: 'y' }, /^body: unknown field "user"; remove it/],
  ['POST', '/admin/api/login', [], /^body: must be a JSON object/],
  ['POST', '/admin/api/login', undefined, /^body: is missing: it must be a JSON object/],
  ['POST', '/admin/api/login', '{"password":', /^body: is not valid JSON/],
  ['POST', '/admin/api/login', '', /^body: is empty/],
  ['GET', '/admin/api/bindings?page=0', undefined, /^page: must be a whole number from 1/],
  ['GET', '/admin/api/bindings?page=x', undefined, /^page: must be a whole number/],
  ['GET', '/admin/api/bindings?page=1e1', undefined, /^page: must be a whole number/],
  ['GET', '/admin/api/bindings?page=', undefined, /^page: must be a whole number/],
  ['GET', '/admin/api/bindings?page=1&page=2', undefined, /^page: must be a whole number/],
  ['GET', '/admin/api/bindings?page_size=201', undefined, /^page_size: must be a whole number from 1 to 200/],
  ['GET', '/admin/api/bindings?status=gone', undefined, /^status: must be one of: active, banned/],
  ['GET', '/admin/api/bindings?mode=some', undefined, /^mode: must be one of: single, multiple, all/],
  ['GET', '/admin/api/bindings?q=a&q=b', undefined, /^q: must be a text, given once/],
  ['GET', '/admin/api/bindings?ip=10.0.0.256', undefined, /^ip: "10.0.0.256" is not an IP address/],
  ['GET', '/admin/api/bindings?q=a%00', undefined, /^query: holds the character U\+0000; remove it/],
  [
    'POST',
    '/admin/api/clients',
    { name: 'a\0b', email: 'a@b.example' },
    /^body: holds the character U\+0000/,
  ],
  ['GET', '/admin/api/bindings?colour=red', undefined, /^query: unknown field "colour"/],
  ['GET', '/admin/api/logs?from=yesterday', undefined, /^from: must be a date such as 2026-01-31/],
  ['GET', '/admin/api/logs?to=2026-02-30', undefined, /^to: must be a date/],
  ['GET', '/admin/api/logs?from=2026-02-02&to=2026-02-01', undefined, /^from: /],
  ['GET', '/admin/api/logs?ip=010.0.0.1', undefined, /^ip: "010.0.0.1"/],
  ['GET', '/admin/api/logs/export?ip=nowhere', undefined, /^ip: "nowhere"/],
  ['GET', '/admin/api/logs/export?page=1', undefined, /^query: unknown field "page"/],
  ['GET', '/admin/api/audit?page_size=-1', undefined, /^page_size: must be/],
  ['POST', '/admin/api/bindings/ban', { id: 0 }, /^id: must be a whole number/],
  ['POST', '/admin/api/bindings/unban', { id: '1' }, /^id: must be a whole number/],
  ['POST', '/admin/api/bindings/unbind', { id: 1.5 }, /^id: must be a whole number/],
  ['PUT', '/admin/api/bindings/ip', { id: 1 }, /^mode: must be one of/],
  ['PUT', '/admin/api/bindings/ip', { id: 1, mode: 'single' }, /^allowed_ips: .*at least one/],
  ['PUT', '/admin/api/bindings/ip', rule('single', '10.0.0.1', '10.0.0.2'), /^allowed_ips: .*one address/],
  ['PUT', '/admin/api/bindings/ip', rule('multiple'), /^allowed_ips: .*at least one/],
  ['PUT', '/admin/api/bindings/ip', rule('all', '10.0.0.1'), /^allowed_ips: .*leave allowed_ips empty/],
  ['PUT', '/admin/api/bindings/ip', rule('multiple', '10.0.0.1', '10.0.0.0/33'), /"10.0.0.0\/33"/],
  ['PUT', '/admin/api/bindings/ip', rule('single', 'fe80::1%eth0'), /"fe80::1%eth0"/],
  [
    'PUT',
    '/admin/api/bindings/ip',
    { id: 1, mode: 'single', allowed_ips: '10.0.0.1' },
    /^allowed_ips: must be a list/,
  ],
  [
    'PUT',
    '/admin/api/bindings/ip',
    { id: 1, mode: 'single', allowed_ips: [7] },
    /^allowed_ips\.0: must be a text/,
  ],
  ['POST', '/admin/api/bindings', { mode: 'all' }, /^token: is missing/],
  ['POST', '/admin/api/bindings', { token: 'not a token', mode: 'all' }, /^token: is not a token/],
  ['POST', '/admin/api/bindings', { token, mode: 'single', allowed_ips: ['x'] }, /"x"/],
  ['PUT', '/admin/api/settings', { archive_days: 0 }, /^archive_days: must be a whole number from 1 to 3650/],
  ['PUT', '/admin/api/settings', { archive_days: null }, /^archive_days: must be a whole number/],
  ['PUT', '/admin/api/settings', { alert_threshold_count: 100_001 }, /^alert_threshold_count: .*100000/],
  ['PUT', '/admin/api/settings', { alert_threshold_seconds: '5' }, /^alert_threshold_seconds: must be/],
  ['PUT', '/admin/api/settings', { failsafe_mode: 'ajar' }, /^failsafe_mode: must be one of: closed, open/],
  ['PUT', '/admin/api/settings', { alert_webhook_url: 'ftp://x' }, /^alert_webhook_url: must be an http/],
  ['PUT', '/admin/api/settings', { alert_webhook_url: 'x' }, /^alert_webhook_url: must be an http/],
  ['PUT', '/admin/api/settings', { nothing: 1 }, /^body: unknown field "nothing"/],
]

test('malformed input is refused with the field, what is wrong with it and what to send', async (t) => {
  const gateway = await openTestGateway(t)
  const session = await gateway.signIn()
  for (const [method, path, body, says] of malformed) {
    const headers: Record<string, string> = body === '' ? { 'content-type': 'application/json' } : {}
    const answer = await gateway.call(method, path, { body, token: session, headers })
    assertEnvelope(answer, 400, 'malformed_request')
    assert.match(answer.error?.message ?? '', says, `${method} ${path} ${JSON.stringify(body)}`)
  }
})

function rule(mode: string, ...allowed_ips: string[]) {
  return { id: 1, mode, allowed_ips }
}

test('every problem of a request is told at once', async (t) => {
  const gateway = await openTestGateway(t)
  const body = { archive_days: 0, failsafe_mode: 'ajar', extra: 1 }
  const answer = await gateway.call('PUT', '/admin/api/settings', { body, token: await gateway.signIn() })
  assert.equal(answer.error?.details?.length, 3)
  assert.equal(answer.error?.details?.[0], answer.error?.message)
})

test('bindings are bound ahead, listed, changed, banned, unbanned and unbound, and each change is recorded', async (t) => {
  const gateway = await openTestGateway(t)
  gateway.caller.address = '203.0.113.5'
  const session = await gateway.signIn()
  const call = (method: string, path: string, body?: unknown) =>
    gateway.call(method, `/admin/api/bindings${path}`, { token: session, ...(body ? { body } : {}) })
  const created = await call('POST', '', { token, mode: 'single', allowed_ips: ['::ffff:10.1.2.3'] })
  assert.equal(created.status, 201)
  assert.deepEqual(created.json, {
    id: 1,
    token_display: 'sk-abcd...wxyz',
    mode: 'single',
    allowed_ips: ['10.1.2.3'],
    status: 'active',
    client_id: null,
    first_used_at: null,
    last_used_at: null,
  })
  assertEnvelope(await call('POST', '', { token, mode: 'all' }), 409, 'conflict')
  assert.deepEqual((await call('GET', '?ip=10.1.2.3&q=sk-ab&mode=single&status=active')).json, {
    items: [created.json],
    total: 1,
    page: 1,
    page_size: 20,
  })
  const changed = await call('PUT', '/ip', rule('multiple', '10.9.9.9/8', '2001:DB8::/64', '10.1.2.3/32'))
  assert.deepEqual(changed.json.allowed_ips, ['10.0.0.0/8', '2001:db8::/64', '10.1.2.3'])
  assert.equal((await call('POST', '/ban', { id: 1 })).json.status, 'banned')
  assert.equal((await call('POST', '/unban', { id: 1 })).json.status, 'active')
  assert.deepEqual((await call('POST', '/unbind', { id: 1 })).json, changed.json)
  for (const path of ['/ban', '/unban', '/unbind']) {
    assertEnvelope(await call('POST', path, { id: 1 }), 404, 'not_found')
  }
  assertEnvelope(await call('PUT', '/ip', rule('all')), 404, 'not_found')
  const { items } = await gateway.audit.list({ page: 1, page_size: 5 })
  assert.equal(items.length, 5)
  assert.ok(items.every(({ actor, address }) => actor === 'password' && address === '203.0.113.5'))
  assert.ok(!JSON.stringify(items).includes(token), 'the token itself is nowhere')
})

test('settings are read and partly changed over the API', async (t) => {
  const gateway = await openTestGateway(t)
  const session = await gateway.signIn()
  const body = { alert_webhook_url: '', failsafe_mode: 'open' }
  const answer = await gateway.call('PUT', '/admin/api/settings', { body, token: session })
  assert.equal(answer.status, 200)
  assert.equal(answer.json.alert_webhook_url, null)
  assert.equal(answer.json.failsafe_mode, 'open')
  const read = await gateway.call('GET', '/admin/api/settings', { token: session })
  assert.deepEqual(read.json, answer.json)
  const diagnostics = await gateway.call('GET', '/admin/api/diagnostics', { token: session })
  assert.deepEqual(diagnostics.json.live_settings, ['alert_webhook_url', 'failsafe_mode'])
})

test('dashboard, audit and gateway answer in their shapes', async (t) => {
  const gateway = await openTestGateway(t)
  const session = await gateway.signIn()
  const dashboard = await gateway.call('GET', '/admin/api/dashboard', { token: session })
  assert.equal((dashboard.json.trend as unknown[]).length, 7)
  const verdict = await gateway.call('GET', '/admin/api/audit/verify', { token: session })
  assert.deepEqual(verdict.json, { ok: true, rows: 2, first_bad_id: null })
  const page = await gateway.call('GET', '/admin/api/audit?action=admin.signed_in', { token: session })
  assert.deepEqual([page.json.total, page.json.page, page.json.page_size], [1, 1, 20])
  const info = await gateway.call('GET', '/admin/api/gateway', { token: session })
  assert.deepEqual(info.json, {
    version: '1.2.3',
    binding_mode: 'enforce',
    failsafe_mode: 'closed',
    downstream_url: 'http://127.0.0.1:3000/prefix',
    public_url: null,
    database: 'embedded',
    redis: false,
  })
})

test('an unknown path is 404, a known one with another method 405 with Allow', async (t) => {
  const gateway = await openTestGateway(t)
  for (const path of ['/admin/api/nothing', '/admin/', '/admin/api/bindings/', '/ADMIN/API/login']) {
    assertEnvelope(await gateway.call('GET', path), 404, 'not_found')
  }
  const answer = await gateway.call('PATCH', '/admin/api/settings')
  assertEnvelope(answer, 405, 'method_not_allowed')
  assert.equal(answer.headers.get('allow'), 'GET, HEAD, PUT')
})

test('another content type is 415, a body over the limit 413, a broken percent encoding 400', async (t) => {
  const gateway = await openTestGateway(t)
  const form = { body: 'password=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  assertEnvelope(await gateway.call('POST', '/admin/api/login', form), 415, 'unsupported_media_type')
  const text = {
    body: JSON.stringify({ password: adminPassword }),
    headers: { 'content-type': 'text/plain' },
  }
  assertEnvelope(await gateway.call('POST', '/admin/api/login', text), 415, 'unsupported_media_type')
  const large = { body: { password: 'x'.repeat(2 * 1024 * 1024) } }
  assertEnvelope(await gateway.call('POST', '/admin/api/login', large), 413, 'body_too_large')
  assert.equal(await statusOfRaw(gateway.url, '/admin/api/%zz'), 400)
})

test('who is still sending a body over the limit sees the 413, and the connection goes on', async (t) => {
  const gateway = await openTestGateway(t)
  const length = 4_000_000
  for (const [framing, rest] of [
    [`Content-Length: ${length}`, 'x'.repeat(length / 2)],
    ['Transfer-Encoding: chunked', `${'x'.repeat(length / 2)}\r\n0\r\n\r\n`],
  ] as const) {
    const { socket, received } = openRaw(Number(new URL(gateway.url).port))
    socket.write(
      `POST /admin/api/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`,
    )
    if (framing.startsWith('T')) socket.write(`${length.toString(16)}\r\n`)
    socket.write('x'.repeat(length / 2))
    assert.equal(codeOf(await received(/body_too_large/)), 'body_too_large')
    socket.write(`${rest}GET /health HTTP/1.1\r\nHost: a\r\n\r\n`)
    await received(/HTTP\/1\.1 200 /)
    socket.destroy()
  }
})

/** `fetch` would mend the path. */
function statusOfRaw(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    rawRequest(`${url}`, { path }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

test('an engine that is away is 503, a fault of ours 500; the reason is logged, not told', async (t) => {
  const failures = [new EngineAwayError('database'), new Error('secret reason')]
  let calls = 0
  const dashboard = () => Promise.reject(failures[calls++])
  const gateway = await openTestGateway(t, { bindings: { dashboard } })
  const session = await gateway.signIn()
  const away = await gateway.call('GET', '/admin/api/dashboard', { token: session })
  assertEnvelope(away, 503, 'database_unavailable')
  assert.equal(away.headers.get('retry-after'), '1')
  const fault = await gateway.call('GET', '/admin/api/dashboard', { token: session })
  assertEnvelope(fault, 500, 'internal_error')
  assert.ok(!fault.text.includes('secret reason'))
  const logged = gateway.failures().slice(-2)
  assert.deepEqual(
    logged.map((failure) => [failure?.code, failure?.cause]),
    [
      ['database_unavailable', failures[0]],
      ['internal_error', failures[1]],
    ],
  )
})

test('an answer that does not keep its shape is a fault of ours', async (t) => {
  const dashboard = async () => ({ today: 'nothing' }) as never
  const gateway = await openTestGateway(t, { bindings: { dashboard } })
  const answer = await gateway.call('GET', '/admin/api/dashboard', { token: await gateway.signIn() })
  assertEnvelope(answer, 500, 'internal_error')
})
