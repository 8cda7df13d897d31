// Calls to providers on the operator's key, which serves all clients, and keys that may use certain models only.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codeOf, sendRaw } from '../http/test-support.ts'
import { apiKey, chat, limitsOf, ownKey, sharedKey, startProviders as start } from './test-support.ts'

const own = { keys: { '7:openai': ownKey } }
const hello = { model: 'gpt', messages: [{ role: 'user', content: 'hi' }] }

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
