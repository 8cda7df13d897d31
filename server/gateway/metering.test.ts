// Metered calls: what the meter is told before and after, that it is told once, and before the client has the end.
import assert from 'node:assert/strict'
import { readSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { AppError } from '@sallyport/contract'
import { openRaw } from '../http/test-support.ts'
import {
  apiKey,
  chat,
  heldCalls,
  ownKey,
  principal,
  sharedKey,
  startProviders as start,
  type TestGateway,
} from './test-support.ts'

const keys = { 'shared:openai': sharedKey, 'shared:anthropic': sharedKey, 'shared:gemini': sharedKey }
const own = { '7:openai': ownKey }
const messages = [{ role: 'user', content: '123456789012' }]
const ask = { model: 'gpt-x', messages, max_tokens: 50, n: 2 }
const usage = { prompt_tokens: 9, completion_tokens: 4 }
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const streamed = event({ choices: [{ delta: { content: 'Hi' } }], usage: null })
const usageChunk = event({ choices: [], usage })
const done = 'data: [DONE]\n\n'

const answerJson =
  (body: object, status = 200): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
/** As the vendor: the usage chunk is there only when it was asked for. */
const answerStream: RequestListener = async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const isAsked = Buffer.concat(chunks).includes('"include_usage":true')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(streamed)
  if (isAsked) response.write(usageChunk)
  response.end(done)
}

function onlyCall({ metered }: TestGateway) {
  assert.equal(metered.length, 1)
  const [recorded] = metered
  assert.ok(recorded)
  assert.equal(recorded.outcomes.length, 1)
  const [outcome] = recorded.outcomes
  assert.ok(outcome !== undefined && outcome !== 'cancelled')
  return { call: recorded.call, outcome }
}

describe('before the provider is asked', () => {
  test('the meter is told who calls what, and what the call may use at most', async (t) => {
    const { post, gateway, upstream } = await start(t, { keys })
    const { headers } = await post(`${chat}?api-version=1`, ask)
    const { call } = onlyCall(gateway)
    assert.deepEqual(call, {
      requestId: headers.get('x-request-id'),
      ...{ clientId: 7, credential: 'api_key:1', method: 'POST', settings: principal.settings },
      target: {
        ...{ kind: 'provider', endpoint: chat, provider: 'openai', pricedBy: 'token' },
        ...{ model: 'gpt-x', isOwnKey: false },
        ceiling: { inputBytes: upstream.received[0]?.body.length, outputTokens: 50, choices: 2 },
      },
    })
    assert.match(upstream.bytes(), /accept-encoding: identity\r\n/i)
    assert.doesNotMatch(upstream.bytes(), /gzip/)
  })

  test('the model of Gemini is read from the path, and embeddings have no output', async (t) => {
    const { post, gateway } = await start(t, { keys })
    await post('/proxy/gemini/v1beta/models/gemini-x:generateContent', {
      generationConfig: { maxOutputTokens: 8, candidateCount: 3 },
    })
    await post('/proxy/openai/v1/embeddings', { model: 'e', input: 'x' })
    const targets = gateway.metered.map(({ call }) => call.target)
    assert.ok(targets[0]?.kind === 'provider' && targets[1]?.kind === 'provider')
    assert.deepEqual(
      [targets[0].model, targets[0].ceiling.outputTokens, targets[0].ceiling.choices],
      ['gemini-x', 8, 3],
    )
    assert.deepEqual([targets[1].model, targets[1].ceiling.outputTokens], ['e', 0])
  })

  test('a refusal of the meter ends the call, and the provider hears nothing', async (t) => {
    const { post, upstream } = await start(t, {
      keys,
      meter: { open: () => new AppError('budget_exceeded') },
    })
    const answer = await post(chat, ask)
    assert.deepEqual([answer.status, answer.code], [402, 'budget_exceeded'])
    assert.equal(upstream.bytes(), '')
  })

  test('on the shared key a call without a model has no price and is refused', async (t) => {
    const { post, upstream, gateway } = await start(t, { keys })
    assert.equal((await post(chat, { messages })).code, 'model_not_priced')
    assert.deepEqual([upstream.bytes(), gateway.metered.length], ['', 0])
  })

  test('calls that are refused earlier are not metered', async (t) => {
    const { call, post, gateway } = await start(t, { keys })
    await call(chat, { headers: { authorization: 'sp_unknown' } })
    await post('/proxy/openai/v1/files', {})
    await post(chat, { ...ask, store: true })
    await post(chat, 'no JSON')
    await post('/proxy/nobody/x', {})
    assert.deepEqual(gateway.metered, [])
  })

  test('a client that leaves while its budget is looked up costs nothing', async (t) => {
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<null>()]
    const open = () => {
      asked.resolve()
      return go.promise
    }
    const { gateway, upstream } = await start(t, { keys, meter: { open } })
    const socket = sendChat(gateway)
    await asked.promise
    socket.destroy()
    await gateway.logged(({ msg }) => msg === 'request')
    go.resolve(null)
    const id = (await gateway.logged(({ msg }) => msg === 'request')).request_id ?? ''
    assert.deepEqual(await gateway.settled(id), ['cancelled'])
    assert.equal(upstream.bytes(), '')
  })
})

describe('the answer', () => {
  test('its usage, its bytes and its model are told once', async (t) => {
    const body = { model: 'gpt-x-2026', choices: [], usage }
    const { post, gateway } = await start(t, { keys, listener: answerJson(body) })
    const answer = await post(chat, ask)
    const { outcome } = onlyCall(gateway)
    assert.deepEqual(outcome, {
      ...{ status: 200, bytesIn: JSON.stringify(ask).length, bytesOut: answer.text.length, flags: [] },
      ...{ tokens: { tokensIn: 9, tokensOut: 4, tokensCached: 0 }, model: 'gpt-x-2026' },
    })
  })

  test('a list of models uses nothing, at the price of no model', async (t) => {
    const { call, gateway } = await start(t, { keys })
    await call('/proxy/openai/v1/models/gpt-x')
    const { call: opened, outcome } = onlyCall(gateway)
    assert.ok(opened.target.kind === 'provider')
    assert.deepEqual([opened.target.model, opened.target.ceiling.inputBytes], [null, 0])
    assert.deepEqual([outcome.tokens, outcome.flags], [null, []])
  })

  test('a provider priced by the call has an event without tokens', async (t) => {
    const { post, gateway } = await start(t, { keys: { 'shared:exa': sharedKey } })
    await post('/proxy/exa/search', { query: 'x' })
    const { call, outcome } = onlyCall(gateway)
    assert.ok(call.target.kind === 'provider')
    assert.deepEqual([call.target.pricedBy, call.target.provider], ['call', 'exa'])
    assert.deepEqual([outcome.status, outcome.tokens, outcome.flags], [200, null, []])
  })

  test('a provider of the configuration is read in the API that it speaks', async (t) => {
    const entry = { key_slot: { query: 'token' }, priced_by: 'token', usage: 'anthropic' } as const
    const stateless_routes = [{ method: 'POST' as const, path: '/generate' }]
    const listener = answerJson({ usage: { input_tokens: 3, output_tokens: 2, cache_read_input_tokens: 1 } })
    const { post, gateway, upstream } = await start(t, {
      ...{ keys: { 'shared:mine': sharedKey }, listener },
      file: { mine: { ...entry, base_url: 'http://127.0.0.1:1', stateless_routes } },
    })
    assert.equal(upstream.bytes(), '')
    // Its address is nobody's: the call fails, and costs nothing.
    assert.equal((await post('/proxy/mine/generate', ask)).code, 'upstream_unreachable')
    const { outcome } = onlyCall(gateway)
    assert.deepEqual([outcome.status, outcome.tokens, outcome.flags], [502, null, []])
  })

  for (const status of [400, 429, 500]) {
    test(`that is a ${status} uses nothing, whatever it says`, async (t) => {
      const { post, gateway } = await start(t, { keys, listener: answerJson({ usage }, status) })
      assert.equal((await post(chat, ask)).status, status)
      const { outcome } = onlyCall(gateway)
      assert.deepEqual([outcome.status, outcome.tokens, outcome.flags], [status, null, []])
    })
  }

  test('a refused shared key is settled as the caller is told', async (t) => {
    const { post, gateway } = await start(t, { keys, listener: answerJson({ usage }, 401) })
    assert.equal((await post(chat, ask)).code, 'provider_key_rejected')
    assert.deepEqual([onlyCall(gateway).outcome.status, onlyCall(gateway).outcome.tokens], [502, null])
  })

  test('absurd usage is cut, flagged and logged without its content', async (t) => {
    const listener = answerJson({ usage: { prompt_tokens: -5, completion_tokens: 1e300 } })
    const { post, gateway } = await start(t, { keys, listener })
    await post(chat, ask)
    const { outcome } = onlyCall(gateway)
    assert.deepEqual(outcome.tokens, { tokensIn: 0, tokensOut: 100_000_000, tokensCached: 0 })
    assert.deepEqual(outcome.flags, ['bounded'])
    const line = await gateway.logged(({ component }) => component === 'metering')
    assert.equal(line.path, chat)
  })

  test('a client that leaves before the answer pays for what was asked', async (t) => {
    const held = heldCalls()
    const { gateway } = await start(t, { keys, listener: held.listener })
    const arrived = held.next()
    const socket = sendChat(gateway)
    await arrived
    socket.destroy()
    const { request_id = '' } = await gateway.logged(({ msg }) => msg === 'request')
    await gateway.settled(request_id)
    const { outcome } = onlyCall(gateway)
    assert.deepEqual([outcome.status, outcome.flags], [0, ['aborted', 'estimated']])
    assert.deepEqual(outcome.tokens, { tokensIn: 2, tokensOut: 0, tokensCached: 0 })
  })
})

describe('a stream of chat completions', () => {
  const stream = { ...ask, stream: true }
  const cases: [string, object, string][] = [
    ['whose caller did not ask for usage has no usage chunk', stream, streamed + done],
    [
      'whose caller declined it has none',
      { ...stream, stream_options: { include_usage: false } },
      streamed + done,
    ],
    [
      'whose caller asked for it has one',
      { ...stream, stream_options: { include_usage: true } },
      streamed + usageChunk + done,
    ],
  ]
  for (const [what, body, expected] of cases) {
    test(`${what}, and its usage is read`, async (t) => {
      const { post, gateway } = await start(t, { keys, listener: answerStream })
      const answer = await post(chat, body)
      assert.equal(answer.text, expected)
      const { outcome } = onlyCall(gateway)
      assert.deepEqual(outcome.tokens, { tokensIn: 9, tokensOut: 4, tokensCached: 0 })
      assert.deepEqual([outcome.bytesOut, outcome.flags], [expected.length, []])
    })
  }

  test('of a declared length has the right one without the usage chunk', async (t) => {
    const whole = streamed + usageChunk + done
    for (const pause of [false, true]) {
      const listener: RequestListener = (request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': whole.length })
        if (!pause) return response.end(whole)
        response.flushHeaders()
        setImmediate(() => response.end(whole))
      }
      const { post, gateway } = await start(t, { keys, listener })
      assert.equal((await post(chat, stream)).text, streamed + done)
      assert.equal(onlyCall(gateway).outcome.bytesOut, (streamed + done).length)
    }
  })

  test('on an own key is neither asked for usage nor changed; a lower bound is told', async (t) => {
    const { post, gateway, upstream } = await start(t, { keys: own, listener: answerStream })
    assert.equal((await post(chat, stream)).text, streamed + done)
    assert.doesNotMatch(upstream.bytes(), /include_usage/)
    const { call, outcome } = onlyCall(gateway)
    assert.ok(call.target.kind === 'provider')
    assert.deepEqual([call.target.isOwnKey, call.target.model], [true, null])
    assert.deepEqual(outcome.tokens, { tokensIn: 0, tokensOut: 1, tokensCached: 0 })
    assert.deepEqual(outcome.flags, ['estimated'])
  })
})

describe('the event is written before the client has the end', () => {
  const whole = JSON.stringify({ choices: [], usage })
  const listeners: [string, RequestListener, string][] = [
    ['a small answer', answerJson({ choices: [], usage }), whole],
    [
      'a stream that ends with a mark, and stays open behind it',
      (request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(streamed)
        setImmediate(() => response.write(usageChunk + done))
      },
      'data: [DONE]',
    ],
    [
      'an answer of declared length in parts',
      (request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length })
        response.write(whole.slice(0, 5))
        setImmediate(() => response.write(whole.slice(5)))
      },
      whole,
    ],
    [
      'a chunked answer in parts',
      (request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write(whole.slice(0, 5))
        setImmediate(() => response.end(whole.slice(5)))
      },
      '0\r\n\r\n',
    ],
    ['a failure', answerJson({ error: 'x' }, 500), '"x"'],
    ['an answer that we make', (_request, response) => response.destroy(), 'upstream_unreachable'],
  ]
  for (const [what, listener, end] of listeners) {
    test(what, async (t) => {
      let socket: Socket | undefined
      const settled = Promise.withResolvers<string>()
      const onSettle = () => settled.resolve(readNow(socket))
      const { gateway } = await start(t, { keys, listener, meter: { onSettle } })
      // It reads nothing before the call is settled: what has come by then is read at that moment.
      socket = sendChat(gateway, { ...ask, stream: true }).pause()
      const seenBefore = await settled.promise
      assert.ok(!seenBefore.includes(end), seenBefore)
      await readUntil(socket, seenBefore, end)
      assert.equal(gateway.metered[0]?.outcomes.length, 1)
      socket.destroy()
    })
  }
})

test('a WebSocket on an own key is one event, at its end', async (t) => {
  const { gateway, upstream } = await start(t, { keys: own })
  upstream.server.on('upgrade', (_request, socket: Socket) => {
    socket.once('end', () => socket.end()).resume()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
  })
  const raw = openRaw(gateway.port)
  t.after(() => raw.socket.destroy())
  raw.socket.write(
    'GET /proxy/openai/v1/realtime?model=m HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Authorization: ${apiKey}\r\n\r\n`,
  )
  await raw.received(/hello/)
  assert.deepEqual(gateway.metered[0]?.outcomes, [])
  raw.socket.destroy()
  const { request_id = '' } = await gateway.logged(({ msg }) => msg === 'request')
  await gateway.settled(request_id)
  const { outcome } = onlyCall(gateway)
  assert.deepEqual([outcome.status, outcome.tokens, outcome.flags], [101, null, ['estimated']])
  assert.ok(outcome.bytesOut >= 5)
})

/** A call by hand. */
function sendChat({ port }: { port: number }, body: object = ask): Socket {
  const text = JSON.stringify(body)
  const head = `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: ${apiKey}\r\nContent-Type: application/json\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`${head}Content-Length: ${text.length}\r\n\r\n${text}`)
  return socket
}

/** Reads on behind `before` until `end` has come. */
function readUntil(socket: Socket, before: string, end: string): Promise<void> {
  let text = before
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error(`closed after ${text}`)))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes(end)) resolve()
    })
    socket.resume()
  })
}

/** What has come for a paused socket so far, straight from the system. */
function readNow(socket: Socket | undefined): string {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number } }
  const buffer = Buffer.alloc(64 * 1024)
  try {
    return buffer.toString('latin1', 0, readSync(handle.fd, buffer))
  } catch {
    return ''
  }
}
