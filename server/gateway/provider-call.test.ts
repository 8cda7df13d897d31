// Calls to providers: who may, and what of a call on an own key reaches the provider.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codeOf, openRaw, sendRaw } from '../http/test-support.ts'
import { apiKey, limitsOf, ownKey, principal, sharedKey, startProviders as start } from './test-support.ts'

const own = { keys: { '7:openai': ownKey } }

describe('the caller', () => {
  const carriers: [string, Record<string, string>, string][] = [
    ['Authorization', { authorization: `Bearer ${apiKey}` }, ''],
    ['X-API-Key', { 'x-api-key': apiKey }, ''],
    ['x-goog-api-key', { 'x-goog-api-key': apiKey }, ''],
    ['?key=', {}, `?key=${apiKey}`],
    ['all of them alike', { authorization: apiKey, 'x-api-key': apiKey }, `?key=${apiKey}`],
  ]
  for (const [name, headers, query] of carriers) {
    test(`is read from ${name}, and its credential never reaches the provider`, async (t) => {
      const { gateway, upstream } = await start(t)
      const answer = await fetch(`${gateway.url}/proxy/openai/v1/models${query}`, { headers })
      assert.equal(answer.status, 200)
      assert.doesNotMatch(upstream.bytes(), /sp_key/)
      assert.match(upstream.bytes(), new RegExp(`authorization: Bearer ${sharedKey}\r\n`, 'i'))
      const line = await gateway.logged(({ msg }) => msg === 'request')
      assert.equal(line.token_display, principal.display)
      assert.doesNotMatch(JSON.stringify(gateway.logLines), /key-of-the/)
    })
  }

  test('is read from the slot of a provider of the configuration, too', async (t) => {
    const { gateway, upstream } = await start(t, { keys: { 'shared:x': sharedKey } })
    const path = `${gateway.url}/proxy/x/do`
    const answer = await fetch(`${path}?token=${apiKey}`, { method: 'POST', body: '{}' })
    assert.equal(answer.status, 200)
    assert.equal(upstream.received[0]?.target, `/do?token=${sharedKey}`)
    assert.equal((await fetch(`${path}?token=other`, { headers: { 'x-api-key': apiKey } })).status, 400)
  })

  const refused: [string, Record<string, string>, number, string][] = [
    ['without a credential', { authorization: '' }, 401, 'credential_missing'],
    ['with an unknown key', { authorization: 'sp_unknown' }, 401, 'invalid_credential'],
    ['with a foreign token', { authorization: 'sk-foreign' }, 401, 'invalid_credential'],
    ['with an admin token', { authorization: 'spadm_x' }, 401, 'invalid_credential'],
    ['with two different ones', { 'x-api-key': 'sp_other' }, 400, 'conflicting_credentials'],
  ]
  for (const [what, headers, status, code] of refused) {
    test(`${what} is refused: ${status} ${code}`, async (t) => {
      const { call, upstream } = await start(t)
      const answer = await call('/proxy/openai/v1/models', { headers })
      assert.deepEqual([answer.status, answer.code], [status, code])
      assert.equal(upstream.bytes(), '')
    })
  }

  test('that cannot be told while the database is away is refused, not let through', async (t) => {
    const { call } = await start(t, { callers: { [apiKey]: new Error('away') } })
    const answer = await call('/proxy/openai/v1/models')
    assert.deepEqual([answer.status, answer.code], [503, 'failsafe_closed'])
    assert.equal(answer.headers.get('retry-after'), '1')
  })

  test('needs the scope: proxy, or proxy of this provider', async (t) => {
    for (const scopes of [['proxy'], ['usage', 'proxy:openai']]) {
      const { call } = await start(t, { caller: { scopes } })
      assert.equal((await call('/proxy/openai/v1/models')).status, 200)
    }
    const { call, upstream } = await start(t, { caller: { scopes: ['usage', 'proxy:exa'] } })
    for (const path of ['/proxy/openai/v1/models', '/proxy/nobody/x']) {
      assert.equal((await call(path)).code, 'scope_missing')
    }
    assert.equal(upstream.bytes(), '')
  })

  test('finds no unknown provider, no path that could be read in two ways, and no TRACE', async (t) => {
    const { call, gateway } = await start(t)
    for (const path of [
      '/proxy/nobody/v1',
      '/proxy/',
      '/proxy',
      '/proxy/OpenAI/v1',
      '/proxy/constructor/x',
    ]) {
      const answer = await call(path)
      assert.deepEqual([answer.status, answer.code], [404, 'unknown_provider'], path)
    }
    const head = `Host: a\r\nConnection: close\r\nAuthorization: Bearer ${apiKey}\r\n\r\n`
    for (const path of [
      '/proxy/openai//v1',
      '/proxy/openai/../admin',
      '/proxy/gemini/v1beta/models/a%2Fb:x',
    ]) {
      assert.equal(codeOf(await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\n${head}`)), 'bad_path', path)
    }
    const traced = await sendRaw(gateway.port, `TRACE /proxy/openai/v1/models HTTP/1.1\r\n${head}`)
    assert.equal(codeOf(traced), 'method_not_allowed')
  })
})

describe('bindings and limits', () => {
  test('a bound credential is judged by the binding under its name; others are not', async (t) => {
    const bound = await start(t, { caller: { isBound: true } })
    await bound.call('/proxy/openai/v1/models')
    assert.equal(bound.gateway.asked.length, 1)
    assert.equal(bound.gateway.asked[0]?.tokenDisplay, principal.display)
    assert.match(bound.gateway.asked[0]?.digest ?? '', /^[\w-]{43}$/)
    const free = await start(t)
    await free.call('/proxy/openai/v1/models')
    assert.deepEqual(free.gateway.asked, [])
  })

  test('a wrong address may be let through for observation, which the log line tells', async (t) => {
    const { call, gateway } = await start(t, {
      caller: { isBound: true },
      decide: () => ({ outcome: 'allowed', settle: null, observed: true }),
    })
    assert.equal((await call('/proxy/openai/v1/models')).status, 200)
    await gateway.logged((line) => line.observed === true)
  })

  test('a wrong address is refused, and an undecidable call is never opened', async (t) => {
    const caller = { isBound: true }
    const wrong = await start(t, { caller, decide: () => ({ outcome: 'refused', code: 'ip_not_allowed' }) })
    assert.equal((await wrong.call('/proxy/openai/v1/models')).code, 'ip_not_allowed')
    const undecided = await start(t, { caller, decide: () => ({ outcome: 'opened' }) })
    assert.equal((await undecided.call('/proxy/openai/v1/models')).code, 'failsafe_closed')
    assert.equal(wrong.upstream.bytes() + undecided.upstream.bytes(), '')
  })

  test('a first use is confirmed whatever the provider answers', async (t) => {
    const statuses: number[] = []
    const settle = (status: number) => void statuses.push(status)
    const { call } = await start(t, {
      ...own,
      caller: { isBound: true },
      decide: () => ({ outcome: 'allowed', settle, observed: false }),
      listener: (_request, response) => void response.writeHead(401).end('{}'),
    })
    assert.equal((await call('/proxy/openai/v1/models')).status, 401)
    assert.deepEqual(statuses, [200])
  })

  test('requests per minute: told in headers, then 429 with Retry-After', async (t) => {
    const { call, upstream } = await start(t, { caller: { requestsPerMinute: 1 } })
    const first = await call('/proxy/openai/v1/models')
    assert.equal(first.status, 200)
    assert.equal(first.headers.get('ratelimit-policy'), '"credential";q=1;w=60')
    assert.match(first.headers.get('ratelimit') ?? '', /^"credential";r=0;t=\d+$/)
    const second = await call('/proxy/openai/v1/models')
    assert.deepEqual([second.status, second.code], [429, 'rate_limited'])
    assert.match(second.headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal(upstream.received.length, 1)
  })

  test('calls at once of one client are limited, and another client’s pass', async (t) => {
    const arrived = Promise.withResolvers<() => void>()
    const { call, gateway } = await start(t, {
      callers: { sp_other: { ...principal, clientId: 8 } },
      limits: { providers: { ...limitsOf(), concurrent_per_client_max: 1 } },
      listener: (request, response) => {
        if (request.url?.endsWith('slow')) arrived.resolve(() => response.end('{}'))
        else response.end('{}')
      },
    })
    const slow = call('/proxy/openai/v1/models/slow')
    const finish = await arrived.promise
    assert.equal((await call('/proxy/openai/v1/models')).code, 'too_many_requests')
    assert.equal(
      (await call('/proxy/openai/v1/models', { headers: { authorization: 'sp_other' } })).status,
      200,
    )
    finish()
    assert.equal((await slow).status, 200)
    await gateway.logged(({ path }) => path?.endsWith('slow') ?? false)
    assert.equal((await call('/proxy/openai/v1/models')).status, 200)
  })
})

describe('on an own key', () => {
  test('any route passes, its body byte for byte and its headers as they are', async (t) => {
    const { post, upstream } = await start(t, own)
    const body = '{ "store" : true,"file_id":"f", "n": 1e2 }'
    const headers = {
      ...{ 'openai-organization': 'org-of-mine', 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '1.2.3.4' },
      ...{ cookie: 'a=b', 'x-custom': 'kept' },
    }
    assert.equal((await post('/proxy/openai/v1/batches?a=1&key=&b=%2F', body, headers)).status, 200)
    const [received] = upstream.received
    assert.equal(received?.target, '/base/v1/batches?a=1&b=%2F')
    assert.equal(received?.body.toString(), body)
    const bytes = upstream.bytes()
    for (const kept of [
      /openai-organization: org-of-mine/i,
      /x-custom: kept/i,
      /Bearer own-key-of-client-7/,
    ]) {
      assert.match(bytes, kept)
    }
    assert.doesNotMatch(bytes, /1\.2\.3\.4|x-forwarded|x-real-ip|cookie|127\.0\.0\.1\r\n.*127/i)
  })

  test('what the provider says of the key is passed on', async (t) => {
    const { call } = await start(t, {
      ...own,
      listener: (_request, response) =>
        void response.writeHead(401, { 'x-ratelimit-limit': '5' }).end('wrong key'),
    })
    const answer = await call('/proxy/openai/v1/models')
    assert.deepEqual(
      [answer.status, answer.text, answer.headers.get('x-ratelimit-limit')],
      [401, 'wrong key', '5'],
    )
  })

  test('a redirect is passed on, not followed', async (t) => {
    const { call, upstream } = await start(t, {
      ...own,
      listener: (_request, response) =>
        void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    })
    assert.equal((await call('/proxy/openai/v1/x', { redirect: 'manual' })).status, 302)
    assert.equal(upstream.bytes().match(/ HTTP\/1\.1\r\n/g)?.length, 1)
  })

  test('a WebSocket goes through with the key in the place of the credential', async (t) => {
    const { gateway, upstream } = await start(t, own)
    upstream.server.on('upgrade', (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
      )
    })
    const raw = openRaw(gateway.port)
    t.after(() => raw.socket.destroy())
    raw.socket.write(
      `GET /proxy/openai/v1/realtime?model=m HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.${apiKey}\r\n\r\n`,
    )
    assert.match(await raw.received(/hello/), /^HTTP\/1\.1 101 /)
    const bytes = upstream.bytes()
    assert.match(bytes, /^GET \/base\/v1\/realtime\?model=m /)
    assert.match(bytes, /Sec-WebSocket-Protocol: realtime\r\n/i)
    assert.match(bytes, /authorization: Bearer own-key-of-client-7/i)
    assert.doesNotMatch(bytes, /sp_key/)
  })

  test('a body over the limit is refused, declared or not', async (t) => {
    const { post, gateway } = await start(t, {
      ...own,
      limits: { providers: { ...limitsOf(), body_bytes_max: 2048 } },
    })
    assert.equal((await post('/proxy/openai/v1/files', 'x'.repeat(3000))).code, 'body_too_large')
    const head = `POST /proxy/openai/v1/files HTTP/1.1\r\nHost: a\r\nAuthorization: ${apiKey}\r\nTransfer-Encoding: chunked\r\n`
    const answer = await sendRaw(
      gateway.port,
      `${head}Connection: close\r\n\r\nbb8\r\n${'x'.repeat(3000)}\r\n0\r\n\r\n`,
    )
    assert.equal(codeOf(answer), 'body_too_large')
  })
})
