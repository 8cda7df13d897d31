// Calls of the admin API over a real listener: what is sent, how failures are read.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ApiError, isAbort } from './api-error.ts'
import { onUnauthenticated, request, urlOf } from './request.ts'

/** The browser resolves our paths against its own origin; here `fetch` is given one. */
async function serve(t: TestContext, listener: RequestListener): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { fetch } = globalThis
  t.mock.method(globalThis, 'fetch', (path: string, init: RequestInit) => fetch(origin + path, init))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
}

test('empty filters are left out of the address, the others encoded', () => {
  const url = urlOf('/bindings', { q: 'sk-a…b', ip: '', status: undefined, page: 2 })
  assert.equal(url, '/admin/api/bindings?q=sk-a%E2%80%A6b&page=2')
})

test('an answer of the gateway that refuses is read with code, request id, details and retry time', async (t) => {
  await serve(t, (_, response) => {
    response.writeHead(429, { 'retry-after': '754' })
    const error = { message: 'Wait.', code: 'too_many_login_attempts', request_id: 'r1', details: ['a'] }
    response.end(JSON.stringify({ error: { ...error, type: 'sallyport_error' } }))
  })
  await assert.rejects(request('/session', { method: 'POST', body: {} }), (error) => {
    assert.ok(error instanceof ApiError)
    const { status, code, requestId, details, retryAfterSeconds } = error
    assert.deepEqual(
      { status, code, requestId, details, retryAfterSeconds },
      {
        status: 429,
        code: 'too_many_login_attempts',
        requestId: 'r1',
        details: ['a'],
        retryAfterSeconds: 754,
      },
    )
    return true
  })
})

test('an error page of something in between is still an error with its status and request id', async (t) => {
  await serve(t, (_, response) => {
    response.writeHead(502, { 'x-request-id': 'r2' }).end('<html>')
  })
  await assert.rejects(request('/dashboard'), { code: 'unreadable_answer', status: 502, requestId: 'r2' })
})

test('a gateway that is away is told apart from one that refuses', async (t) => {
  await serve(t, (incoming) => incoming.socket.destroy())
  await assert.rejects(request('/dashboard'), { code: 'network_error', status: 0 })
})

test('an answer of 401 is told to the session', async (t) => {
  await serve(t, (_, response) => void response.writeHead(401).end('{}'))
  const heard = t.mock.fn()
  onUnauthenticated(heard)
  await assert.rejects(request('/dashboard'))
  assert.equal(heard.mock.callCount(), 1)
})

test('a call that was given up is not an error to show', async (t) => {
  await serve(t, () => undefined)
  const controller = new AbortController()
  const call = request('/dashboard', { signal: controller.signal })
  controller.abort()
  await assert.rejects(call, isAbort)
})

test('an answer without content is no error', async (t) => {
  await serve(t, (_, response) => void response.writeHead(204).end())
  assert.equal(await request('/session', { method: 'DELETE' }), undefined)
})
