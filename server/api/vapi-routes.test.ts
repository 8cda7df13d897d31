// Voice calls over HTTP against a stand-in for VAPI: what it saw, what the device saw, and who may stop what.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { type ApiTest, openApiTest, withoutRequestId } from './test-support.ts'

const serverKey = 'vapi-key-0123456789abcdef'

type Seen = { method: string; path: string; authorization: string | undefined; body: unknown }
type Reply = { status: number; body?: string; headers?: Record<string, string> }

async function openVapi(test: TestContext) {
  const seen: Seen[] = []
  const vapi = { seen, url: '', reply: (_call: Seen): Reply => ({ status: 200, body: '{}' }) }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { method = '', url: path = '', headers } = request
    const call = { method, path, authorization: headers.authorization, body: body ? JSON.parse(body) : null }
    seen.push(call)
    const reply = vapi.reply(call)
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  vapi.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vapi
}

async function openCalls(test: TestContext, env: Record<string, string> = {}) {
  const vapi = await openVapi(test)
  const settings = { VAPI_BASE_URL: `${vapi.url}/base`, VAPI_API_KEY: serverKey, ...env }
  const gateway = await openApiTest(test, settings)
  const { id } = await gateway.makeClient('Acme')
  const token = await gateway.authenticate(await gateway.makeDevice(id, 'pi_1'))
  return { vapi, gateway, clientId: id, token }
}

const start = (gateway: ApiTest, token: string, body: unknown = { assistant_id: 'a1' }) =>
  gateway.call('POST', '/vapi/start', { token, body })
const stop = (gateway: ApiTest, token: string, callId: string) =>
  gateway.call('POST', '/vapi/stop', { token, body: { call_id: callId } })

const started = (id: string, controlUrl?: string): Reply => ({
  status: 201,
  body: JSON.stringify({
    id,
    webCallUrl: 'https://daily.example/x',
    ...(controlUrl ? { monitor: { controlUrl } } : {}),
  }),
})

test('a call starts on the server’s key and is stopped by its control URL, which never sees that key', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  const controlUrl = `${vapi.url}/control/c1`
  vapi.reply = ({ path }) =>
    path === '/control/c1' ? { status: 200, body: '{"ok":true}' } : started('c1', controlUrl)
  const overrides = { variableValues: { name: 'Ada' } }
  const answer = await start(gateway, token, { assistant_id: 'a1', assistant_overrides: overrides })
  assert.equal(answer.status, 201)
  assert.deepEqual(answer.json, JSON.parse(started('c1', controlUrl).body ?? ''))
  const stopped = await stop(gateway, token, 'c1')
  assert.deepEqual([stopped.status, stopped.json], [200, { ok: true }])
  assert.deepEqual(vapi.seen, [
    {
      method: 'POST',
      path: '/base/call/web',
      authorization: `Bearer ${serverKey}`,
      body: { assistantId: 'a1', assistantOverrides: overrides },
    },
    { method: 'POST', path: '/control/c1', authorization: undefined, body: { type: 'end-call' } },
  ])
})

test('each start and stop that VAPI was asked for is one usage event of the device, refused ones are none', async (t) => {
  const { vapi, gateway, clientId, token } = await openCalls(t)
  await gateway.store.startWork()
  vapi.reply = ({ path }) => (path.endsWith('/web') ? started('c1') : { status: 200, body: '{"ok":true}' })
  const begun = await start(gateway, token)
  await stop(gateway, token, 'c1')
  await stop(gateway, token, 'c-none')
  vapi.reply = () => ({ status: 401, body: '{}' })
  await start(gateway, token)
  const listed = await eventually('three events', async () => {
    const { json } = await gateway.admin('GET', `/usage?client_id=${clientId}`)
    return json.total === 3 && json
  })
  const items = listed.items as Record<string, unknown>[]
  assert.deepEqual(
    // Calls of one millisecond are listed in any order.
    items.map((event) => `${event.endpoint} ${event.provider} ${event.status} ${event.cost_micros}`).sort(),
    ['/vapi/start vapi 201 0', '/vapi/start vapi 502 0', '/vapi/stop vapi 200 0'],
  )
  const first = items.find(({ status }) => status === 201)
  assert.match(String(first?.credential), /^device:\d+$/)
  assert.ok(Number(first?.bytes_in) > 0)
  assert.equal(first?.bytes_out, Buffer.byteLength(JSON.stringify(begun.json)))
})

test('a key that the admin set wins over the environment', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  await gateway.admin('PUT', '/providers/vapi/key', { api_key: 'vapi-key-of-the-admin' })
  await start(gateway, token)
  assert.equal(vapi.seen[0]?.authorization, 'Bearer vapi-key-of-the-admin')
})

test('without a control URL it is asked for, and else the API ends the call', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  vapi.reply = ({ method, path }) => {
    if (path === '/base/call/web') return started('c/2')
    return method === 'GET' ? { status: 200, body: '{"id":"c/2"}' } : { status: 200 }
  }
  await start(gateway, token)
  const stopped = await stop(gateway, token, 'c/2')
  assert.deepEqual([stopped.status, stopped.json], [200, { status: 'ended', call_id: 'c/2' }])
  assert.deepEqual(
    vapi.seen.slice(1).map(({ method, path, body }) => [method, path, body]),
    [
      ['GET', '/base/call/c%2F2', null],
      ['PATCH', '/base/call/c%2F2', { status: 'ended' }],
    ],
  )
})

test('a control URL on any other host is not called', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  const hostile = [
    'http://169.254.169.254/latest',
    'http://127.0.0.1:1/x',
    'https://vapi.ai.evil.example/x',
    'https://evilvapi.ai/x',
    'http://api.vapi.ai/x',
    'https://user:pass@api.vapi.ai/x',
    'file:///etc/passwd',
    'nonsense',
  ]
  for (const [index, controlUrl] of hostile.entries()) {
    vapi.reply = ({ path }) =>
      path === '/base/call/web'
        ? started(`c${index}`, controlUrl)
        : { status: 200, body: '{"status":"ended"}' }
    await start(gateway, token)
    const stopped = await stop(gateway, token, `c${index}`)
    assert.deepEqual([controlUrl, stopped.status], [controlUrl, 200])
    assert.deepEqual([vapi.seen.at(-1)?.method, vapi.seen.at(-1)?.path], ['PATCH', `/base/call/c${index}`])
  }
})

test('a call of another device looks like an absent one, and is not touched', async (t) => {
  const { vapi, gateway, clientId, token } = await openCalls(t)
  const sister = await gateway.authenticate(await gateway.makeDevice(clientId, 'pi_2'))
  const other = await gateway.makeClient('Other')
  const foreign = await gateway.authenticate(await gateway.makeDevice(other.id, 'pi_3'))
  vapi.reply = () => started('c1')
  await start(gateway, token)
  // A hostile answer naming the call of somebody else does not hand it over.
  await start(gateway, foreign)
  const sent = vapi.seen.length
  const absent = await stop(gateway, token, 'c-none')
  assert.deepEqual([absent.status, absent.error?.code], [404, 'not_found'])
  for (const thief of [sister, foreign]) {
    const refused = await stop(gateway, thief, 'c1')
    assert.equal(withoutRequestId(refused), withoutRequestId(absent))
  }
  assert.equal(vapi.seen.length, sent)
  assert.equal((await stop(gateway, token, 'c1')).status, 201)
})

test('an error of VAPI is passed on, a refusal of the server’s key is not the device’s fault', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  const cases: [reply: Reply, status: number, json: unknown][] = [
    [
      { status: 400, body: '{"message":["bad assistant"],"statusCode":400}' },
      400,
      { message: ['bad assistant'], statusCode: 400 },
    ],
    [{ status: 404, body: '{"message":"no assistant"}' }, 404, { message: 'no assistant' }],
    [
      { status: 500, body: '<html>' },
      500,
      { statusCode: 500, message: 'VAPI answered 500 without a reason.' },
    ],
  ]
  for (const [reply, status, json] of cases) {
    vapi.reply = () => reply
    const answer = await start(gateway, token)
    assert.deepEqual([answer.status, answer.json], [status, json])
  }
  const failures: [reply: Reply, status: number, code: string][] = [
    [{ status: 401, body: `{"message":"bad key ${serverKey}"}` }, 502, 'provider_key_rejected'],
    [{ status: 403, body: '{}' }, 502, 'provider_key_rejected'],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 502, 'upstream_protocol_error'],
    [{ status: 400, body: JSON.stringify({ echo: `Bearer ${serverKey}` }) }, 502, 'upstream_protocol_error'],
    [{ status: 200, body: `"${'x'.repeat(2 * 1024 * 1024)}"` }, 502, 'upstream_protocol_error'],
  ]
  for (const [reply, status, code] of failures) {
    vapi.reply = () => reply
    const answer = await start(gateway, token)
    assert.deepEqual([answer.status, answer.error?.code], [status, code])
    assert.ok(!answer.text.includes(serverKey))
  }
  assert.ok(!gateway.logLines.some((line) => line.includes(serverKey)))
})

test('without a key, without VAPI, and with an assistant that is not on the device’s list', async (t) => {
  const { vapi, gateway, clientId } = await openCalls(t, {
    VAPI_API_KEY: '',
    VAPI_BASE_URL: 'http://127.0.0.1:1',
  })
  const listed = await gateway.makeDevice(clientId, 'pi_2', { assistants: ['a1'] })
  const token = await gateway.authenticate(listed)
  assert.equal((await start(gateway, token)).error?.code, 'provider_key_missing')
  const refused = await start(gateway, token, { assistant_id: 'a2' })
  assert.deepEqual([refused.status, refused.error?.code], [403, 'assistant_not_allowed'])
  await gateway.admin('PUT', '/providers/vapi/key', { api_key: serverKey })
  assert.equal((await start(gateway, token)).error?.code, 'upstream_unreachable')
  assert.equal(vapi.seen.length, 0)
})

test('malformed orders name the field', async (t) => {
  const { vapi, gateway, token } = await openCalls(t)
  const cases: [path: string, body: unknown, says: RegExp][] = [
    ['/vapi/start', {}, /^assistant_id: is missing/],
    ['/vapi/start', { assistant_id: '' }, /^assistant_id: must have 1/],
    ['/vapi/start', { assistant_id: 'a', assistant_overrides: [] }, /^assistant_overrides: /],
    ['/vapi/start', { assistant_id: 'a', assistant: {} }, /unknown field "assistant"/],
    ['/vapi/stop', {}, /^call_id: is missing/],
    ['/vapi/stop', { call_id: 7 }, /^call_id: must be a text/],
  ]
  for (const [path, body, says] of cases) {
    const answer = await gateway.call('POST', path, { token, body })
    assert.equal(answer.status, 400)
    assert.match(answer.error?.message ?? '', says)
  }
  assert.equal(vapi.seen.length, 0)
})
