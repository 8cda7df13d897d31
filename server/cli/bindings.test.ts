// Tests of `sallyport bindings …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const binding = {
  id: 17,
  token_display: 'sk-Ab12...wxYZ',
  mode: 'multiple',
  allowed_ips: ['198.51.100.7', '203.0.113.0/24'],
  status: 'active',
  client_id: null,
  first_used_at: '2026-11-20T08:00:00.000Z',
  last_used_at: '2026-11-20T11:57:00.000Z',
}
const page = { items: [binding], total: 1, page: 1, page_size: 20 }

test('list shows a table and hands its filters to the gateway', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/bindings': { body: page } })
  const filters = ['--q', 'sk-Ab12', '--ip', '198.51.100.7', '--status', 'active', '--page-size', '50']
  const result = await runCommand(['bindings', 'list', '--url', gateway.url, ...filters], { env: signedIn })
  assert.equal(result.stderr, '')
  assert.equal(
    result.stdout,
    [
      'ID  TOKEN           STATUS  MODE      ALLOWED                       FIRST USED            LAST USED',
      '17  sk-Ab12...wxYZ  active  multiple  198.51.100.7, 203.0.113.0/24  2026-11-20 08:00:00Z  3 min ago',
      'Page 1 of 1, 1 in all.',
      '',
    ].join('\n'),
  )
  assert.equal(result.exitCode, 0)
  const [login, list] = gateway.received
  assert.deepEqual(JSON.parse(login?.body ?? ''), { password: signedIn.SALLYPORT_ADMIN_PASSWORD })
  assert.equal(list?.authorization, 'Bearer session-token')
  assert.equal(list?.url, '/admin/api/bindings?q=sk-Ab12&ip=198.51.100.7&status=active&page_size=50')
})

test('--json prints the answer as the gateway sent it', async (t) => {
  const text = JSON.stringify(page, null, 1)
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/bindings': { body: text } })
  const result = await runCommand(['bindings', 'list', '--json', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, `${text}\n`)
})

test('an empty list says what to expect, with and without a filter', async (t) => {
  const empty = { items: [], total: 0, page: 1, page_size: 20 }
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/bindings': { body: empty } })
  const all = await runCommand(['bindings', 'list', '--url', gateway.url], { env: signedIn })
  assert.match(all.stdout, /^No bindings yet\./)
  const banned = await runCommand(['bindings', 'list', '--status', 'banned', '--url', gateway.url], {
    env: signedIn,
  })
  assert.equal(banned.stdout, 'No binding matches.\n')
})

test('add takes the token from standard input without its line end', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/bindings': { status: 201, body: binding } })
  const args = ['bindings', 'add', '--token-stdin', '--ip', '198.51.100.7', '203.0.113.0/24']
  const result = await runCommand([...args, '--url', gateway.url], { env: signedIn, input: 'sk-secret\n' })
  assert.equal(result.exitCode, 0, result.stderr)
  assert.deepEqual(JSON.parse(gateway.received[1]?.body ?? ''), {
    token: 'sk-secret',
    mode: 'multiple',
    allowed_ips: ['198.51.100.7', '203.0.113.0/24'],
  })
  assert.match(result.stdout, /^Bound:\n/)
})

test('add without a token, with two, or without addresses is a usage error that reaches no gateway', async () => {
  const wrong = [
    { args: ['--ip', '198.51.100.7'], reason: /--token-stdin or with --token/ },
    {
      args: ['--ip', '198.51.100.7', '--token', 'a', '--token-stdin'],
      reason: /--token-stdin or with --token/,
    },
    { args: ['--token', 'a'], reason: /--ip ADDRESS, or --mode all/ },
    { args: ['--token', 'a', '--mode', 'some'], reason: /Allowed choices are single, multiple, all/ },
    { args: ['--token-stdin', '--mode', 'all'], reason: /no token arrived on standard input/ },
  ]
  for (const { args, reason } of wrong) {
    const result = await runCommand(['bindings', 'add', ...args, '--url', 'http://127.0.0.1:1'])
    assert.match(result.stderr, reason)
    assert.equal(result.exitCode, 64)
  }
})

test('set-ip, ban and unban name the binding in their request', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'PUT /admin/api/bindings/ip': { body: binding },
    'POST /admin/api/bindings/ban': { body: { ...binding, status: 'banned' } },
    'POST /admin/api/bindings/unban': { body: binding },
  })
  const run = (...args: string[]) =>
    runCommand(['bindings', ...args, '--url', gateway.url], { env: signedIn })
  assert.match((await run('set-ip', '17', '--mode', 'all')).stdout, /^Changed:\n/)
  assert.match((await run('ban', '17')).stdout, /^Banned:\n.*\n17 .* banned /)
  assert.match((await run('unban', '17')).stdout, /^Unbanned:\n/)
  const changes = gateway.received.filter(({ url }) => url !== '/admin/api/login')
  assert.deepEqual(
    changes.map(({ method, url, body }) => [method, url, JSON.parse(body)]),
    [
      ['PUT', '/admin/api/bindings/ip', { id: 17, mode: 'all', allowed_ips: [] }],
      ['POST', '/admin/api/bindings/ban', { id: 17 }],
      ['POST', '/admin/api/bindings/unban', { id: 17 }],
    ],
  )
})

test('unbind happens only after the id was typed or --yes was said', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/bindings/unbind': { body: binding } })
  const args = ['bindings', 'unbind', '17', '--url', gateway.url]
  const unasked = await runCommand(args, { env: signedIn })
  assert.match(unasked.stderr, /no terminal to ask on\. Add --yes/)
  assert.equal(unasked.exitCode, 64)
  const mistyped = await runCommand(args, { env: signedIn, typed: '18' })
  assert.match(mistyped.stderr, /not confirmed, nothing was changed/)
  assert.equal(mistyped.exitCode, 1)
  assert.equal(gateway.received.length, 0)

  assert.equal((await runCommand(args, { env: signedIn, typed: '17' })).exitCode, 0)
  assert.equal((await runCommand([...args, '--yes'], { env: signedIn })).exitCode, 0)
  assert.equal(gateway.received.filter(({ url }) => url.endsWith('/unbind')).length, 2)
})

test("a refusal shows the gateway's reasons and the request id", async (t) => {
  const reasons = ['allowed_ips.0: "10.0.0.300" is not an IP address', 'mode: single takes one address']
  const answer = errorAnswer(400, 'malformed_request', reasons[0] ?? '', reasons)
  const gateway = await startGatewayStandIn(t, { 'PUT /admin/api/bindings/ip': answer })
  const args = ['bindings', 'set-ip', '17', '--ip', '10.0.0.300', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(
    result.stderr,
    [
      'sallyport: allowed_ips.0: "10.0.0.300" is not an IP address (malformed_request, request req-1)',
      'sallyport:   mode: single takes one address',
      '',
    ].join('\n'),
  )
  assert.equal(result.exitCode, 1)
})

test('an id that is no number is a usage error', async () => {
  for (const id of ['x', '0', '-1', '1.5', '99999999999999999']) {
    const result = await runCommand(['bindings', 'ban', '--url', 'http://127.0.0.1:1', '--', id])
    assert.match(result.stderr, /is not the id of a binding/)
    assert.equal(result.exitCode, 64)
  }
})
