// Tests of signing in: bearer tokens, the console's cookie, and what other sites can make a browser do.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { adminPassword, openTestGateway, type TestGateway } from './test-support.ts'

const login = '/admin/api/login'
const session = '/admin/api/session'
const settings = '/admin/api/settings'

/** Signs the console in and returns the cookie as a browser would send it. */
async function openConsole(gateway: TestGateway): Promise<string> {
  const answer = await gateway.call('POST', session, { body: { password: adminPassword } })
  assert.equal(answer.status, 200)
  return (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? ''
}

test('the right password gives a bearer token that opens the API', async (t) => {
  const gateway = await openTestGateway(t)
  const answer = await gateway.call('POST', login, { body: { password: adminPassword } })
  assert.equal(answer.status, 200)
  assert.equal(answer.json.token_type, 'bearer')
  assert.equal(answer.json.expires_in, 8 * 3600)
  const token = String(answer.json.access_token)
  assert.equal((await gateway.call('GET', settings, { token })).status, 200)
  assert.equal((await gateway.call('GET', session, { token })).status, 200)
})

test('a wrong password is 401, the sixth attempt 429 with Retry-After, and another address still enters', async (t) => {
  const gateway = await openTestGateway(t)
  for (let index = 0; index < 5; index++) {
    const wrong = await gateway.call('POST', login, { body: { password: 'wrong' } })
    assert.deepEqual([wrong.status, wrong.error?.code], [401, 'wrong_password'])
  }
  for (const path of [login, session]) {
    const locked = await gateway.call('POST', path, { body: { password: adminPassword } })
    assert.deepEqual([locked.status, locked.error?.code], [429, 'too_many_login_attempts'])
    assert.equal(locked.headers.get('retry-after'), '900')
  }
  gateway.caller.address = '203.0.113.9'
  assert.equal((await gateway.call('POST', login, { body: { password: adminPassword } })).status, 200)
  const metrics = await gateway.registry.metrics()
  assert.match(metrics, /sallyport_admin_logins_total\{result="wrong_password"\} 5/)
  assert.match(metrics, /sallyport_admin_logins_total\{result="too_many_login_attempts"\} 2/)
  assert.match(metrics, /sallyport_admin_logins_total\{result="signed_in"\} 1/)
})

test('sign-ins are recorded with their address and carrier, and neither password nor token is logged', async (t) => {
  const gateway = await openTestGateway(t)
  gateway.caller.address = '203.0.113.9'
  const token = await gateway.signIn()
  const cookie = await openConsole(gateway)
  await gateway.call('POST', login, { body: { password: 'a-wrong-secret' } })
  const { items } = await gateway.audit.list({ page: 1, page_size: 2 })
  assert.deepEqual(
    items.map(({ action, actor, address }) => [action, actor, address]),
    [
      ['admin.signed_in', 'console', '203.0.113.9'],
      ['admin.signed_in', 'password', '203.0.113.9'],
    ],
  )
  const written = gateway.logLines.join('') + JSON.stringify(items)
  for (const secret of [token, cookie.slice(cookie.indexOf('=') + 1), adminPassword, 'a-wrong-secret']) {
    assert.ok(!written.includes(secret))
  }
})

test('the cookie cannot be read by scripts nor sent by other sites, and over https it is Secure', async (t) => {
  const gateway = await openTestGateway(t)
  const plain = await gateway.call('POST', session, { body: { password: adminPassword } })
  assert.match(
    plain.headers.get('set-cookie') ?? '',
    /^sallyport_session=[\w.-]+; Path=\/admin; HttpOnly; SameSite=Strict; Max-Age=28800$/,
  )
  const secure = await openTestGateway(t, { env: { PUBLIC_URL: 'https://gateway.example.com' } })
  const answer = await secure.call('POST', session, { body: { password: adminPassword } })
  assert.match(answer.headers.get('set-cookie') ?? '', /; Secure$/)
})

test('signing out takes the cookie away', async (t) => {
  const gateway = await openTestGateway(t)
  const cookie = await openConsole(gateway)
  const answer = await gateway.call('DELETE', session, { headers: { cookie } })
  assert.equal(answer.status, 204)
  assert.match(answer.headers.get('set-cookie') ?? '', /^sallyport_session=; .*Max-Age=0$/)
})

test('with the cookie only requests of our own pages pass', async (t) => {
  const gateway = await openTestGateway(t, { env: { PUBLIC_URL: 'http://gateway.example.com' } })
  const cookie = await openConsole(gateway)
  const host = new URL(gateway.url).host
  const table: [method: string, headers: Record<string, string>, status: number][] = [
    ['GET', { 'sec-fetch-site': 'same-origin' }, 200],
    ['GET', { 'sec-fetch-site': 'same-site' }, 403],
    ['GET', { 'sec-fetch-site': 'cross-site' }, 403],
    ['GET', { 'sec-fetch-site': 'none' }, 403],
    ['GET', {}, 200],
    ['GET', { origin: 'http://evil.example' }, 403],
    ['PUT', { 'sec-fetch-site': 'same-origin' }, 200],
    ['PUT', { 'sec-fetch-site': 'same-site' }, 403],
    ['PUT', { 'sec-fetch-site': 'cross-site', origin: `http://${host}` }, 403],
    ['PUT', { origin: `http://${host}` }, 200],
    ['PUT', { origin: 'http://gateway.example.com' }, 200],
    ['PUT', { origin: 'http://gateway.example.com.evil.example' }, 403],
    ['PUT', { origin: 'null' }, 403],
    ['PUT', {}, 403],
  ]
  for (const [method, headers, status] of table) {
    const body = method === 'PUT' ? { body: {} } : {}
    const answer = await gateway.call(method, settings, { ...body, headers: { ...headers, cookie } })
    assert.equal(answer.status, status, `${method} ${JSON.stringify(headers)}`)
    if (status === 403) assert.equal(answer.error?.code, 'cross_site_refused')
  }
})

test('another site can neither sign the console in nor out', async (t) => {
  const gateway = await openTestGateway(t)
  const headers = { 'sec-fetch-site': 'cross-site' }
  const body = { password: adminPassword }
  assert.equal((await gateway.call('POST', session, { body, headers })).status, 403)
  assert.equal((await gateway.call('DELETE', session, { headers })).status, 403)
})

test('a bad bearer token is not made good by a cookie, two cookies or headers are not guessed between', async (t) => {
  const gateway = await openTestGateway(t)
  const cookie = await openConsole(gateway)
  const cases: Record<string, string>[] = [
    { cookie, authorization: 'Bearer nonsense' },
    { cookie, authorization: 'Basic YTpi' },
    { cookie: `${cookie}; ${cookie}x` },
    { cookie: 'sallyport_session=' },
    { cookie: `x${cookie}` },
  ]
  for (const headers of cases) {
    const answer = await gateway.call('GET', settings, { headers })
    assert.deepEqual([answer.status, answer.error?.code], [401, 'invalid_credential'])
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/)
  }
  assert.equal((await gateway.call('GET', settings, { headers: { cookie: `a=b; ${cookie}` } })).status, 200)
})

test('with a port of its own the console is signed in there only', async (t) => {
  const gateway = await openTestGateway(t, { env: { CONSOLE_PORT: '7001' } })
  gateway.caller.onConsolePort = true
  const cookie = await openConsole(gateway)
  assert.equal((await gateway.call('GET', settings, { headers: { cookie } })).status, 200)
  gateway.caller.onConsolePort = false
  assert.equal((await gateway.call('GET', settings, { headers: { cookie } })).status, 401)
  const signIn = await gateway.call('POST', session, { body: { password: adminPassword } })
  assert.equal(signIn.status, 404)
  assert.equal((await gateway.call('GET', settings, { token: await gateway.signIn() })).status, 200)
})

test('the local token is good from loopback without a proxy in between only', async (t) => {
  const gateway = await openTestGateway(t)
  const token = readFileSync(`${gateway.config.dataDir}/admin-token`, 'utf8').trim()
  const status = async (headers: Record<string, string> = {}) =>
    (await gateway.call('GET', settings, { token, headers })).status
  assert.equal(await status(), 200)
  assert.equal(await status({ 'x-real-ip': '127.0.0.1' }), 401)
  assert.equal(await status({ 'x-forwarded-for': '127.0.0.1' }), 401)
  gateway.caller.peer = '192.0.2.1'
  assert.equal(await status(), 401)
  gateway.caller.peer = '::1'
  assert.equal(await status(), 200)
})

test('a session is void after eight hours', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  gateway.clock.advance(8 * 3_600_000)
  assert.equal((await gateway.call('GET', settings, { token })).status, 401)
})
