// Calls to providers: who may, on whose key, and what of the request reaches the provider.
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import type { Decision } from '../bindings/bindings.ts'
import { codeOf, openRaw, sendRaw } from '../http/test-support.ts'
import type { Principal } from '../identity/identity.ts'
import { type ProviderWorld, startGateway, startUpstream } from './test-support.ts'

const apiKey = 'sp_key-of-the-caller'
const sharedKey = 'shared-key-of-the-operator'
const ownKey = 'own-key-of-client-7'
const chat = '/proxy/openai/v1/chat/completions'

const principal: Principal = {
  kind: 'api_key',
  clientId: 7,
  customerId: 'acme',
  credential: 'api_key:1',
  display: 'sp_ke...ller',
  scopes: null,
  models: null,
  requestsPerMinute: null,
  clientRequestsPerMinute: null,
  isBound: false,
  maySpendShared: true,
  device: null,
}

type Options = {
  caller?: Partial<Principal>
  callers?: ProviderWorld['callers']
  keys?: ProviderWorld['keys']
  file?: ProviderWorld['file']
  listener?: RequestListener
  decide?: () => Decision
  limits?: Parameters<typeof startGateway>[0]['limits']
}

/** A gateway in front of one upstream that stands for every provider, `x` among them. */
async function start(t: TestContext, options: Options = {}) {
  const { caller = {}, callers = {}, keys = { 'shared:openai': sharedKey }, file = {} } = options
  const upstream = await startUpstream(options.listener)
  const names = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'EXA', 'VAPI']
  const gateway = await startGateway({
    downstreamUrl: null,
    env: Object.fromEntries(names.map((name) => [`${name}_BASE_URL`, `${upstream.url}/base`])),
    world: {
      callers: { [apiKey]: { ...principal, ...caller }, ...callers },
      keys,
      file: {
        x: {
          base_url: upstream.url,
          key_slot: { query: 'token' },
          stateless_routes: [{ method: 'POST', path: '/do' }],
        },
        ...file,
      },
    },
    ...(options.decide ? { decide: options.decide } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
  })
  t.after(async () => {
    await gateway.close()
    await upstream.close()
  })
  const call = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const headers = { authorization: `Bearer ${apiKey}`, ...init.headers }
    const answer = await fetch(gateway.url + path, { ...init, headers })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, code: codeOf(text) }
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers })
  return { upstream, gateway, call, post }
}

const own = { keys: { '7:openai': ownKey } }
const hello = { model: 'gpt', messages: [{ role: 'user', content: 'hi' }] }

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

describe('on the shared key', () => {
  test('a stateless call goes on in our serialisation, with store switched off', async (t) => {
    const { post, upstream } = await start(t)
    const body = '{"model":"a", "model":"gpt","messages":[],"stream":false}'
    assert.equal((await post(chat, body, { 'content-type': 'text/plain' })).status, 200)
    const [received] = upstream.received
    assert.equal(received?.target, '/base/v1/chat/completions')
    assert.deepEqual(JSON.parse(received?.body.toString() ?? ''), {
      ...{ model: 'gpt', messages: [], stream: false, store: false },
    })
    assert.equal(received?.body.toString().match(/"model"/g)?.length, 1)
    assert.match(upstream.bytes(), /content-type: application\/json\r\n/i)
  })

  test('only listed headers and query parameters go on', async (t) => {
    const { post, upstream } = await start(t, { keys: { 'shared:gemini': sharedKey } })
    const headers = {
      ...{ 'openai-organization': 'secret-org', 'x-goog-user-project': 'secret-project' },
      ...{ 'idempotency-key': 'secret-id', 'x-http-method-override': 'GET', 'x-goog-api-client': 'sdk/1' },
    }
    const path =
      '/proxy/gemini/v1beta/models/g:streamGenerateContent?alt=sse&quotaUser=secret&$httpMethod=GET'
    assert.equal((await post(path, { contents: [] }, headers)).status, 200)
    assert.equal(upstream.received[0]?.target, '/base/v1beta/models/g:streamGenerateContent?alt=sse')
    assert.doesNotMatch(upstream.bytes(), /secret-|override/i)
    assert.match(upstream.bytes(), /x-goog-api-client: sdk\/1/i)
    assert.match(upstream.bytes(), new RegExp(`x-goog-api-key: ${sharedKey}`))
  })

  const closed: [string, string, string, unknown?][] = [
    ['files', 'GET', '/proxy/openai/v1/files'],
    ['batches', 'POST', '/proxy/openai/v1/batches', {}],
    ['a stored answer', 'GET', '/proxy/openai/v1/responses/resp_1'],
    ['a removal', 'DELETE', '/proxy/openai/v1/models/m'],
    ['another spelling', 'POST', '/proxy/openai/v1/chat/completions/', hello],
    ['a stored conversation', 'POST', '/proxy/openai/v1/responses', { conversation: 'c' }],
    ['store: true', 'POST', chat, { ...hello, store: true }],
    ['an earlier answer', 'POST', '/proxy/openai/v1/responses', { previous_response_id: 'resp_1' }],
    ['a file in the body', 'POST', chat, { ...hello, x: [{ y: { file_id: 'f' } }] }],
  ]
  for (const [what, method, path, body] of closed) {
    test(`${what} is refused: route_not_shared`, async (t) => {
      const { call, upstream } = await start(t)
      const answer = await call(path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
      assert.deepEqual([answer.status, answer.code], [403, 'route_not_shared'])
      assert.equal(upstream.bytes(), '')
    })
  }

  test('VAPI is not open at all, nor is a WebSocket', async (t) => {
    const { call, gateway } = await start(t, { keys: { 'shared:vapi': 's', 'shared:openai': 's' } })
    for (const path of ['/proxy/vapi/call', '/proxy/vapi/call/web', '/proxy/vapi/assistant']) {
      assert.equal((await call(path)).code, 'route_not_shared')
    }
    const upgrade = `Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: ${apiKey}\r\n\r\n`
    for (const path of ['/proxy/openai/v1/realtime', '/proxy/openai/v1/models']) {
      assert.equal(
        codeOf(await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\n${upgrade}`)),
        'route_not_shared',
      )
    }
  })

  const malformed: [string, string, Record<string, string>, number, string][] = [
    ['no JSON', '{"model":', {}, 400, 'malformed_request'],
    ['no object', '[1]', {}, 400, 'malformed_request'],
    ['no body', '', {}, 400, 'malformed_request'],
    ['nested without end', '['.repeat(100_000), {}, 400, 'malformed_request'],
    ['nested too deep', `${'{"a":'.repeat(300)}1${'}'.repeat(300)}`, {}, 400, 'malformed_request'],
    ['compressed', '{}', { 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
    ['too large', `{"a":"${'x'.repeat(3000)}"}`, {}, 413, 'body_too_large'],
  ]
  for (const [what, body, headers, status, code] of malformed) {
    test(`a body that is ${what} is refused: ${status}`, async (t) => {
      const small = { providers: { ...limitsOf(), shared_body_bytes_max: 2048 } }
      const { post, upstream } = await start(t, what === 'too large' ? { limits: small } : {})
      const answer = await post(chat, body, headers)
      assert.deepEqual([answer.status, answer.code], [status, code])
      assert.equal(upstream.bytes(), '')
    })
  }

  test('a body that is not UTF-8 is refused, and a chunked one is cut at the limit', async (t) => {
    const { gateway } = await start(t, {
      limits: { providers: { ...limitsOf(), shared_body_bytes_max: 2048 } },
    })
    const head = `POST ${chat} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${apiKey}\r\n`
    const notUtf8 = Buffer.from(`${head}Content-Length: 9\r\n\r\n{"a":"\xff"}`, 'latin1')
    assert.equal(codeOf(await sendRaw(gateway.port, notUtf8)), 'malformed_request')
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\nbb8\r\n${'x'.repeat(3000)}\r\n0\r\n\r\n`
    assert.equal(codeOf(await sendRaw(gateway.port, chunked)), 'body_too_large')
  })

  for (const status of [401, 403]) {
    test(`${status} to our key is 502 for the caller, and nothing of the answer is told`, async (t) => {
      const { post, gateway } = await start(t, {
        listener: (_request, response) =>
          void response.writeHead(status, { 'x-hint': 'shared-ke***' }).end('key shared-ke*** is wrong'),
      })
      const answer = await post(chat, hello)
      assert.deepEqual([answer.status, answer.code], [502, 'provider_key_rejected'])
      assert.doesNotMatch(JSON.stringify([answer.text, ...answer.headers]), /shared-ke/)
      await gateway.logged(({ detail }) => detail === `openai answered ${status} to the shared key`)
    })
  }

  test('an answer says nothing of the account that all clients share', async (t) => {
    const { post } = await start(t, {
      listener: (_request, response) =>
        void response
          .writeHead(429, {
            ...{ 'retry-after': '3', 'x-request-id': 'up', 'openai-organization': 'org' },
            ...{ 'x-ratelimit-remaining-requests': '9', 'set-cookie': '__cf_bm=1' },
          })
          .end('{"error":{}}'),
    })
    const { status, headers } = await post(chat, hello)
    assert.equal(status, 429)
    assert.deepEqual([headers.get('retry-after'), headers.get('x-upstream-request-id')], ['3', 'up'])
    for (const name of ['openai-organization', 'x-ratelimit-remaining-requests', 'set-cookie']) {
      assert.equal(headers.get(name), null)
    }
  })

  test('events of a stream pass as they come', async (t) => {
    const next = Promise.withResolvers<() => void>()
    const { gateway } = await start(t, {
      listener: (request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
        next.resolve(() => response.end('data: [DONE]\n\n'))
      },
    })
    const answer = await fetch(gateway.url + chat, {
      method: 'POST',
      headers: { 'x-api-key': apiKey },
      body: JSON.stringify({ ...hello, stream: true }),
    })
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    assert.equal((await reader?.read())?.value, 'data: 1\n\n')
    ;(await next.promise)()
    assert.equal((await reader?.read())?.value, 'data: [DONE]\n\n')
  })

  test('without any key the call is refused, and nobody else’s key serves it', async (t) => {
    const { call, upstream } = await start(t, { keys: { '8:openai': 'of another', 'shared:exa': 's' } })
    const answer = await call('/proxy/openai/v1/models')
    assert.deepEqual([answer.status, answer.code], [400, 'provider_key_missing'])
    assert.equal(upstream.bytes(), '')
  })
})

describe('a list of models', () => {
  const caller = { models: ['gpt', 'gemini-x'] }
  const keysOf = {
    shared: { 'shared:openai': 's', 'shared:gemini': 's' },
    own: { '7:openai': 'o', '7:gemini': 'o' },
  }
  for (const [kind, keys] of Object.entries(keysOf)) {
    test(`lets named models through on a ${kind} key, in body and path, and no other`, async (t) => {
      const { post, call, upstream } = await start(t, { caller, keys })
      const generate = (model: string) => `/proxy/gemini/v1beta/models/${model}:generateContent`
      assert.equal((await post(chat, hello)).status, 200)
      assert.equal((await post(generate('gemini-x'), {})).status, 200)
      assert.equal((await call('/proxy/openai/v1/models')).status, 200)
      const passed = upstream.received.length
      for (const body of [
        { model: 'gpt-5' },
        {},
        { model: ['gpt'] },
        { model: 'gpt', models: ['gpt', 'gpt-5'] },
      ]) {
        assert.equal((await post(chat, body)).code, 'model_not_allowed', JSON.stringify(body))
      }
      assert.equal((await post(generate('gemini-y'), {})).code, 'model_not_allowed')
      assert.equal((await post(generate('gemini-x'), { model: 'models/gemini-y' })).code, 'model_not_allowed')
      assert.equal(upstream.received.length, passed)
    })
  }

  test('on an own key no spelling gets past it', async (t) => {
    const { post, call, gateway, upstream } = await start(t, { caller, ...own })
    await post('/proxy/openai/v1/chat/completions', '{"model":"gpt-5","model":"gpt"}')
    assert.equal(upstream.received[0]?.body.toString(), '{"model":"gpt"}')
    const form = 'multipart/form-data; boundary=b'
    assert.equal(
      (await post('/proxy/openai/v1/audio', '--b', { 'content-type': form })).code,
      'malformed_request',
    )
    assert.equal((await call('/proxy/openai/v1/x', { method: 'POST' })).code, 'model_not_allowed')
    const upgrade = `Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: ${apiKey}\r\n\r\n`
    const socket = await sendRaw(
      gateway.port,
      `GET /proxy/openai/v1/realtime?model=gpt HTTP/1.1\r\n${upgrade}`,
    )
    assert.equal(codeOf(socket), 'model_not_allowed')
    assert.equal(upstream.received.length, 1)
  })
})

/** The limits of provider calls as they are without a file. */
function limitsOf() {
  return {
    body_bytes_max: 1024 * 1024,
    shared_body_bytes_max: 1024 * 1024,
    collected_bytes_max: 8 * 1024 * 1024,
    collected_bytes_per_client_max: 4 * 1024 * 1024,
    concurrent_per_address_max: 1000,
    concurrent_per_client_max: 1000,
  }
}
