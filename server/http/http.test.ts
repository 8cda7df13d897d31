// The listener as a whole: ids, addresses, limits, ports, log lines, and its end.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { AppError } from '@sallyport/contract'
import type { ConfigFile } from '../config/config.ts'
import { createManualClock } from '../lib/clock.ts'
import type { CallContext, HttpHandlers } from './http.ts'
import { codeOf, openRaw, sendRaw, startTestHttp, statusOf, testConfig } from './test-support.ts'

type Seen = { request: IncomingMessage; response: ServerResponse; context: CallContext }

async function start(
  t: TestContext,
  options: {
    env?: Record<string, string>
    limits?: Partial<ConfigFile['limits']>
    handlers?: Partial<HttpHandlers>
    clock?: ReturnType<typeof createManualClock>
  } = {},
) {
  const { env = {}, limits = {}, handlers = {}, clock } = options
  const seen: Seen[] = []
  const answer = (request: IncomingMessage, response: ServerResponse, context: CallContext) => {
    seen.push({ request, response, context })
    response.end(context.address.text)
    return undefined
  }
  const config = testConfig({ SHUTDOWN_GRACE_MS: '0', ...env }, limits)
  const running = await startTestHttp({
    config,
    handlers: { own: answer, proxy: answer, passThrough: answer, upgrade: answer, ...handlers },
    ...(clock ? { clock } : {}),
  })
  t.after(async () => {
    const closed = running.http.close()
    clock?.advance(config.shutdownGraceMs)
    await closed
  })
  const call = async (path: string, headers: Record<string, string> = {}, port = running.port) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    const body = await response.text()
    return { status: response.status, headers: response.headers, body, code: codeOf(body) }
  }
  return { ...running, seen, call }
}

/** A handler whose calls the test answers itself. */
function hold() {
  const calls: Seen[] = []
  const waiting: (() => void)[] = []
  const passThrough = (request: IncomingMessage, response: ServerResponse, context: CallContext) => {
    calls.push({ request, response, context })
    waiting.shift()?.()
    return undefined
  }
  const arrival = () => new Promise<void>((resolve) => waiting.push(resolve))
  return { calls, passThrough, arrival }
}

const request = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`

describe('each request', () => {
  test('has an id of its own, which answer, error and log line carry', async (t) => {
    const passThrough = () => Promise.reject(new AppError('ip_not_allowed', { detail: 'for the operator' }))
    const { call, logged } = await start(t, { handlers: { passThrough } })
    const own = await call('/health')
    const refused = await call('/v1/x?key=secret', { 'x-request-id': 'mine' })
    const ids = [own, refused].map(({ headers }) => headers.get('x-request-id'))
    assert.equal(new Set(ids).size, 2)
    assert.equal(JSON.parse(refused.body).error.request_id, ids[1])
    assert.deepEqual([refused.status, refused.code], [403, 'ip_not_allowed'])
    const line = await logged(({ request_id }) => request_id === ids[1])
    const { method, path, status, code, detail, client_ip } = line
    assert.deepEqual(
      { method, path, status, code, detail, client_ip },
      {
        ...{ method: 'GET', path: '/v1/x', status: 403, code: 'ip_not_allowed' },
        ...{ detail: 'for the operator', client_ip: '127.0.0.1' },
      },
    )
    assert.doesNotMatch(refused.body, /operator/)
  })

  test('whose handler throws or rejects is a 500 without a word of the reason, which is logged', async (t) => {
    for (const passThrough of [
      () => {
        throw new Error('secret reason')
      },
      async () => {
        throw new Error('secret reason')
      },
    ]) {
      const { call, logged } = await start(t, { handlers: { passThrough } })
      const answer = await call('/v1/x')
      assert.deepEqual([answer.status, answer.code], [500, 'internal_error'])
      assert.doesNotMatch(answer.body, /secret/)
      assert.match(JSON.stringify(await logged((line) => line.code === 'internal_error')), /secret reason/)
    }
  })

  test('that fails after its answer began is cut, so that it does not look whole', async (t) => {
    const passThrough = async (_: IncomingMessage, response: ServerResponse) => {
      response.write('half')
      throw new Error('late')
    }
    const { port, logged } = await start(t, { handlers: { passThrough } })
    const answer = await sendRaw(port, request('/v1/x'))
    assert.doesNotMatch(answer, /0\r\n\r\n$/)
    await logged((line) => line.aborted === true && line.status === 200)
  })

  test('has the address of its peer, or what a trusted proxy says', async (t) => {
    const claimed = { 'x-real-ip': '203.0.113.7', 'x-forwarded-for': '198.51.100.1' }
    const direct = await start(t)
    assert.equal((await direct.call('/v1/x', claimed)).body, '127.0.0.1')
    assert.equal(direct.seen[0]?.context.realIpUsed, false)
    const [{ address, count } = {}] = direct.http.proxyMistakes()
    assert.deepEqual({ address, count }, { address: '127.0.0.1', count: 1 })
    const proxied = await start(t, { env: { TRUSTED_PROXY_IPS: '127.0.0.0/8' } })
    assert.equal((await proxied.call('/v1/x', claimed)).body, '203.0.113.7')
    const { context } = proxied.seen[0] ?? {}
    assert.deepEqual([context?.realIpUsed, context?.peer.text], [true, '127.0.0.1'])
    assert.equal((await proxied.call('/v1/x')).body, '127.0.0.1')
    const bad = await proxied.call('/v1/x', { 'x-real-ip': '203.0.113.7, 203.0.113.7' })
    assert.deepEqual([bad.status, bad.code], [400, 'bad_client_address'])
    assert.deepEqual(proxied.http.proxyMistakes(), [])
  })
})

describe('paths of our own', () => {
  test('invite a body that waits to be invited', async (t) => {
    const { port } = await start(t)
    const { socket, received } = openRaw(port)
    socket.write('POST /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n')
    await received(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    socket.destroy()
  })

  test('with dot segments, empty segments or encoded slashes are refused; others pass as they are', async (t) => {
    const { port, seen } = await start(t)
    for (const path of [
      '/admin/../v1/x',
      '/admin//api',
      '/admin/a%2Fb',
      '/proxy/%2e%2E/x',
      '/api/clients/../keys',
    ]) {
      const answer = await sendRaw(port, request(path, 'Connection: close\r\n'))
      assert.deepEqual([statusOf(answer), codeOf(answer)], [400, 'bad_path'], path)
    }
    assert.equal(statusOf(await sendRaw(port, request('/v1/../admin', 'Connection: close\r\n'))), 200)
    assert.equal(seen.length, 1)
  })

  test('of console and portal answer on CONSOLE_PORT only, and nothing else of others does', async (t) => {
    const { call, consolePort, seen } = await start(t, { env: { CONSOLE_PORT: '0' } })
    assert.ok(consolePort)
    for (const path of ['/admin/ui', '/admin/ui/', '/admin/ui/assets/a.js', '/portal', '/portal/x']) {
      const answer = await call(path)
      assert.deepEqual([answer.status, answer.code], [404, 'not_found'])
      assert.match(answer.body, /CONSOLE_PORT/)
      assert.equal((await call(path, {}, consolePort)).status, 200)
    }
    for (const path of ['/admin/api/bindings', '/docs', '/docs/json', '/health', '/health/ready']) {
      assert.deepEqual([(await call(path)).status, (await call(path, {}, consolePort)).status], [200, 200])
    }
    for (const path of ['/v1/models', '/', '/metrics', '/device/auth', '/api/usage']) {
      assert.equal((await call(path, {}, consolePort)).code, 'not_found', path)
    }
    assert.equal(seen.filter(({ context }) => context.onConsolePort).length, 10)
  })

  test('answer on the one port when there is no other', async (t) => {
    const { call } = await start(t)
    assert.equal((await call('/admin/ui/')).status, 200)
  })
})

describe('limits', () => {
  test('of one address: 429, while another address is served', async (t) => {
    const { calls, passThrough, arrival } = hold()
    const limits = { pass_through: { body_bytes_max: 1024, concurrent_per_address_max: 1 } }
    const env = { TRUSTED_PROXY_IPS: '127.0.0.1' }
    const { call, port } = await start(t, { env, limits, handlers: { passThrough } })
    const first = arrival()
    const { socket } = openRaw(port)
    socket.write(request('/v1/a', 'X-Real-IP: 2001:db8::1\r\n'))
    await first
    const neighbour = await call('/v1/b', { 'x-real-ip': '2001:db8::2' })
    assert.deepEqual([neighbour.status, neighbour.code], [429, 'too_many_requests'])
    assert.equal(neighbour.headers.get('retry-after'), '1')
    for (const address of ['2001:db8:0:1::1', '203.0.113.7']) {
      const second = arrival()
      const answering = call('/v1/c', { 'x-real-ip': address })
      await second
      calls.at(-1)?.response.end()
      assert.equal((await answering).status, 200)
    }
    assert.equal((await call('/health', { 'x-real-ip': '2001:db8::1' })).status, 200)
    socket.destroy()
  })

  test('of the process: 503, and room again when an answer has ended', async (t) => {
    const { calls, passThrough, arrival } = hold()
    const { call, registry } = await start(t, {
      limits: { concurrent_requests_max: 1 },
      handlers: { passThrough },
    })
    const first = arrival()
    const answering = call('/v1/a')
    await first
    const refused = await call('/health')
    assert.deepEqual([refused.status, refused.code], [503, 'overloaded'])
    assert.match(await registry.metrics(), /sallyport_http_requests_in_work 1\n/)
    calls[0]?.response.end()
    await answering
    assert.equal((await call('/health')).status, 200)
    assert.match(await registry.metrics(), /sallyport_http_requests_total\{status="5xx"\} 1\n/)
  })

  test('of silence: a body that stops is 408, and an answer nobody takes is cut', async (t) => {
    const clock = createManualClock()
    const { passThrough, calls, arrival } = hold()
    const { port } = await start(t, {
      clock,
      handlers: { passThrough },
      env: { UPSTREAM_IDLE_TIMEOUT_MS: '90000' },
    })
    const first = arrival()
    const stalled = openRaw(port)
    stalled.socket.write(`POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc`)
    await first
    assert.ok(calls[0])
    await once(calls[0].request, 'data')
    clock.advance(5000)
    clock.advance(55_000)
    assert.equal(stalled.socket.destroyed, false)
    clock.advance(5000)
    assert.equal(codeOf(await stalled.received(/request_timeout/)), 'request_timeout')

    const second = arrival()
    const deaf = openRaw(port)
    deaf.socket.pause()
    deaf.socket.write(request('/v1/b'))
    await second
    const { response } = calls[1] ?? {}
    assert.ok(response)
    while (response.write(Buffer.alloc(1024 * 1024))) await new Promise((resolve) => setImmediate(resolve))
    response.write(Buffer.alloc(64 * 1024 * 1024))
    const cut = once(response, 'close')
    clock.advance(5000)
    clock.advance(100_000)
    await cut
    deaf.socket.destroy()
  })
})

describe('the end', () => {
  test('waits for open answers, tells their clients to close, and takes nobody new', async (t) => {
    const { calls, passThrough, arrival } = hold()
    const { http, port } = await start(t, { handlers: { passThrough }, env: { SHUTDOWN_GRACE_MS: '60000' } })
    const [waiting, streaming, idle] = [openRaw(port), openRaw(port), openRaw(port)]
    for (const { socket } of [waiting, streaming]) {
      const arrived = arrival()
      socket.write(request('/v1/x'))
      await arrived
    }
    idle.socket.write(request('/health'))
    await idle.received(/200 OK/)
    calls[1]?.response.write('begun ')
    await streaming.received(/begun/)
    const idleClosed = once(idle.socket, 'close')
    const closing = http.close()
    await idleClosed
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`))
    const closed = [waiting, streaming].map(({ socket }) => once(socket, 'close'))
    calls[0]?.response.end('whole')
    calls[1]?.response.end('ended')
    assert.match(await waiting.received(/whole/), /Connection: close/)
    await streaming.received(/ended\r\n0\r\n\r\n$/)
    await Promise.all(closed)
    await closing
  })

  test('cuts what is still open when the grace is over', async (t) => {
    const clock = createManualClock()
    const { passThrough, arrival } = hold()
    const { http, port } = await start(t, {
      clock,
      handlers: { passThrough },
      env: { SHUTDOWN_GRACE_MS: '1000' },
    })
    const arrived = arrival()
    const { socket } = openRaw(port)
    socket.write(request('/v1/x'))
    await arrived
    const cut = once(socket, 'close')
    const closing = http.close()
    clock.advance(1000)
    await Promise.all([cut, closing])
  })
})

test('a port that is taken rejects listen', async (t) => {
  const { port } = await start(t)
  const silent = () => undefined
  await assert.rejects(
    startTestHttp({
      config: testConfig({ APP_PORT: String(port) }),
      handlers: { own: silent, proxy: silent, passThrough: silent, upgrade: silent },
    }),
    { code: 'EADDRINUSE' },
  )
})
