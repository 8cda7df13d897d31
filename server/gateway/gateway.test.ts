// Who may pass: what the bindings are asked, what their answer does to the call, and the routes around them.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Decision } from '../bindings/bindings.ts'
import { codeOf, sendRaw } from '../http/test-support.ts'
import { bearer, startGateway, startUpstream, token } from './test-support.ts'

async function start(
  t: TestContext,
  options: Omit<Parameters<typeof startGateway>[0], 'downstreamUrl'> = {},
) {
  const upstream = await startUpstream()
  const gateway = await startGateway({ downstreamUrl: upstream.url, ...options })
  t.after(async () => {
    await gateway.close()
    await upstream.close()
  })
  const call = async (
    path = '/v1/x',
    headers: Record<string, string> = { authorization: bearer },
    method = 'GET',
  ) => {
    const answer = await fetch(gateway.url + path, { method, headers })
    return { status: answer.status, headers: answer.headers, code: codeOf(await answer.text()) }
  }
  return { upstream, gateway, call }
}

describe('the bindings', () => {
  test('are asked with a digest, a mask and the address, never with a token or a query', async (t) => {
    const { gateway, call } = await start(t)
    await call(`/v1/x?key=${token}`, {})
    await call('/v1/x', { 'x-api-key': token.slice(3) })
    const [first, second] = gateway.asked
    assert.match(first?.digest ?? '', /^[\w-]{43}$/)
    assert.equal(first?.digest, second?.digest)
    const { tokenDisplay, address, method, path } = first ?? {}
    assert.deepEqual(
      { tokenDisplay, address, method, path },
      {
        tokenDisplay: 'sk-Ab12...Ab12',
        address: { text: '127.0.0.1', family: 4 },
        method: 'GET',
        path: '/v1/x',
      },
    )
    assert.doesNotMatch(JSON.stringify([gateway.asked, gateway.logLines]), /Ab12Ab12/)
  })

  const refusals = [
    { code: 'ip_not_allowed', status: 403 },
    { code: 'binding_banned', status: 403 },
    { code: 'failsafe_closed', status: 503 },
    { code: 'too_many_bindings', status: 429, retryAfterSeconds: 7 },
  ] as const
  for (const { code, status, ...rest } of refusals) {
    test(`refuse with ${code}: ${status}, at once or later, and nothing is forwarded`, async (t) => {
      const refused: Decision = { outcome: 'refused', code, ...rest }
      let isLate = false
      const { upstream, call } = await start(t, {
        decide: () => (isLate ? Promise.resolve(refused) : refused),
      })
      for (isLate of [false, true]) {
        const answer = await call()
        assert.deepEqual([answer.status, answer.code], [status, code])
        if ('retryAfterSeconds' in rest) assert.equal(answer.headers.get('retry-after'), '7')
      }
      assert.equal(upstream.bytes(), '')
    })
  }

  test('hear the status of the answer once when they wait for it', async (t) => {
    const statuses: number[] = []
    const settle = (status: number) => void statuses.push(status)
    const { call } = await start(t, { decide: async () => ({ outcome: 'allowed', settle, observed: false }) })
    await call()
    assert.deepEqual(statuses, [200])
  })

  test('may let a wrong address through for observation, which the log line tells', async (t) => {
    const { gateway, call } = await start(t, {
      decide: () => ({ outcome: 'allowed', settle: null, observed: true }),
    })
    assert.equal((await call()).status, 200)
    await gateway.logged((line) => line.observed === true)
  })

  test('may be unable to decide: an opened call is logged and counted', async (t) => {
    const { gateway, call } = await start(t, { decide: () => ({ outcome: 'opened' }) })
    assert.equal((await call()).status, 200)
    await gateway.logged((line) => line.failsafe === true)
    assert.match(await gateway.registry.metrics(), /sallyport_failsafe_total 1\n/)
  })

  test('are not asked without a token, with two, or with a credential of ours', async (t) => {
    const { gateway, upstream, call } = await start(t)
    const missing = await call('/v1/x', {})
    assert.deepEqual([missing.status, missing.code], [401, 'credential_missing'])
    assert.equal(missing.headers.get('www-authenticate'), 'Bearer')
    assert.equal(
      (await call('/v1/x', { authorization: 'a', 'x-api-key': 'b' })).code,
      'conflicting_credentials',
    )
    assert.equal((await call('/v1/x', { authorization: 'Bearer sp_x' })).code, 'wrong_credential')
    assert.deepEqual([gateway.asked.length, upstream.bytes()], [0, ''])
  })
})

describe('around the bindings', () => {
  test('without DOWNSTREAM_URL everything that is not ours is 404 with a hint', async (t) => {
    const gateway = await startGateway({ downstreamUrl: null })
    t.after(gateway.close)
    const answer = await fetch(`${gateway.url}/v1/models`)
    assert.equal(answer.status, 404)
    assert.match(await answer.text(), /DOWNSTREAM_URL.*downstream_not_configured/)
  })

  test('an anonymous path goes unbound with what it carries, but never with a credential of ours', async (t) => {
    const env = { DOWNSTREAM_ANONYMOUS: '/assets,/api/status', CONSOLE_PORT: '0' }
    const { gateway, upstream, call } = await start(t, { env })
    const cookie = 'session=a; sallyport_session=b'
    assert.equal((await call('/assets/a.js', { cookie })).status, 200)
    assert.equal((await call('/api/status', { authorization: 'theirs', 'x-api-key': 'other' })).status, 200)
    assert.deepEqual(gateway.asked, [])
    assert.match(upstream.bytes(), /cookie: session=a\r\n/i)
    assert.doesNotMatch(upstream.bytes(), /sallyport_/)
    assert.equal((await call('/assets/a.js', { authorization: 'sp_x' })).code, 'wrong_credential')
    assert.equal((await call('/other', {})).code, 'credential_missing')
  })

  test('a preflight goes unbound, without credentials and without a body', async (t) => {
    const { gateway, upstream } = await start(t)
    const { port } = gateway
    const head = `OPTIONS /v1/x?key=secret-k&a=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: https://o\r\n`
    const carriers = [
      'Authorization',
      'x-api-key',
      'x-goog-api-key',
      'mj-api-secret',
      'Sec-WebSocket-Protocol',
      'Cookie',
    ]
    const secrets = carriers.map((name) => `${name}: secret-${name}\r\n`).join('')
    await sendRaw(
      port,
      `${head}Access-Control-Request-Method: POST\r\n${secrets}Content-Length: 3\r\n\r\nabc`,
    )
    assert.deepEqual(gateway.asked, [])
    assert.equal(upstream.received[0]?.target, '/v1/x?a=1')
    assert.equal(upstream.received[0]?.body.length, 0)
    assert.doesNotMatch(upstream.bytes(), /secret/)
    assert.match(upstream.bytes(), /Origin: https:\/\/o\r\n/)
  })

  test('the upstream hears scheme and host of PUBLIC_URL, else those of the request', async (t) => {
    const plain = await start(t)
    await plain.call()
    assert.match(plain.upstream.bytes(), /X-Forwarded-Proto: http\r\nX-Forwarded-Host: 127\.0\.0\.1:\d+\r\n/)
    const named = await start(t, { env: { PUBLIC_URL: 'https://gateway.example' } })
    await named.call('/v1/x', {
      authorization: bearer,
      'x-forwarded-host': 'evil',
      'x-forwarded-proto': 'gopher',
    })
    assert.match(named.upstream.bytes(), /X-Forwarded-Proto: https\r\nX-Forwarded-Host: gateway\.example\r\n/)
    assert.doesNotMatch(named.upstream.bytes(), /evil|gopher/)
    assert.match(named.upstream.bytes(), /^host: 127\.0\.0\.1:\d+\r\n/im)
  })

  test('a client that left while the decision was looked up reaches nobody', async (t) => {
    const { promise, resolve } = Promise.withResolvers<Decision>()
    const asked = Promise.withResolvers<void>()
    const { gateway, upstream } = await start(t, {
      decide: () => {
        asked.resolve()
        return promise
      },
    })
    const leaving = new AbortController()
    const gone = assert.rejects(
      fetch(`${gateway.url}/v1/x`, { headers: { authorization: bearer }, signal: leaving.signal }),
    )
    await asked.promise
    leaving.abort()
    await gone
    await gateway.logged((line) => line.aborted === true)
    resolve({ outcome: 'allowed', settle: null, observed: false })
    await promise
    assert.equal(upstream.sockets.size, 0)
  })
})
