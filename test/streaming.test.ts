// Bytes pass as they come, both ways, and nobody's connection outlives its use.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as openRequest } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { type Answer, call, openCall } from './support/call.ts'
import { eventually, within } from './support/eventually.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { openScope } from './support/scope.ts'
import { from, newToken } from './support/tokens.ts'

const eventStream = { 'content-type': 'text/event-stream' }

describe('streams through the gateway', () => {
  const scope = openScope({ after })
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope)
  })
  const url = (path: string) => `${fleet.gateways[0].url}${path}`
  const socketUrl = (path: string) => url(path).replace('http', 'ws')

  test('the first event reaches the client before the upstream sends its second', async () => {
    const held = fleet.upstream.hold('/v1/first-event')
    const opened = openCall(url('/v1/first-event'), { headers: from('203.0.113.7', newToken()) })
    const { response: upstream } = await held
    upstream.writeHead(200, eventStream)
    upstream.write('data: one\n\n')
    const { response } = await opened
    const events = response[Symbol.asyncIterator]()
    const nextEvent = async (what: string) => String((await within(what, events.next())).value)
    assert.equal(await nextEvent('the first event'), 'data: one\n\n')
    upstream.write(': a comment\n\n')
    assert.equal(await nextEvent('the comment'), ': a comment\n\n')
    upstream.end('data: [DONE]\n\n')
    assert.equal(await nextEvent('the last event'), 'data: [DONE]\n\n')
    assert.equal((await within('the end', events.next())).done, true)
  })

  test('the headers reach the client before the upstream sends any body', async () => {
    const held = fleet.upstream.hold('/v1/headers-first')
    const opened = openCall(url('/v1/headers-first'), { headers: from('203.0.113.7', newToken()) })
    const { response: upstream } = await held
    upstream.writeHead(200, eventStream)
    upstream.flushHeaders()
    const { response, request } = await opened
    assert.equal(response.headers['content-type'], 'text/event-stream')
    request.destroy()
  })

  test('a client that hangs up frees the upstream connection within 1 s', async () => {
    const held = fleet.upstream.hold('/v1/hang-up')
    const opened = openCall(url('/v1/hang-up'), { headers: from('203.0.113.7', newToken()) })
    const { request: received, response: upstream } = await held
    upstream.writeHead(200, eventStream)
    upstream.write('data: one\n\n')
    const { request } = await opened
    const freed = once(received.socket, 'close')
    request.destroy()
    await within('the upstream socket closing', freed, 1000)
  })

  test('a client that hangs up before the answer frees the upstream connection within 1 s', async () => {
    const held = fleet.upstream.hold('/v1/early')
    const request = openRequest(url('/v1/early'), { agent: false, headers: from('203.0.113.7', newToken()) })
    request.on('error', () => null).end()
    const { request: received } = await held
    const freed = once(received.socket, 'close')
    request.destroy()
    await within('the upstream socket closing', freed, 1000)
  })

  test('an upstream that breaks off is seen as a break, not as an end', async () => {
    const held = fleet.upstream.hold('/v1/broken')
    const opened = openCall(url('/v1/broken'), { headers: from('203.0.113.7', newToken()) })
    const { response: upstream } = await held
    upstream.writeHead(200, eventStream)
    upstream.write('data: one\n\n')
    const { response } = await opened
    const broken = once(response.resume(), 'error')
    upstream.destroy()
    const [error] = await within('the break', broken)
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  })

  test('an upstream that resets or refuses the connection gives 502, one that is silent 504', async () => {
    const env = { UPSTREAM_HEADERS_TIMEOUT_MS: '300' }
    const impatient = await startFleet(scope, { env })
    const { upstream } = impatient
    const ask = (path: string) =>
      call(impatient.gateways[0].url + path, { headers: from('203.0.113.7', newToken()) })
    const [reset, broken] = [upstream.hold('/v1/reset'), ask('/v1/reset')]
    ;(await reset).request.socket.destroy()
    assert.deepEqual(codeOf(await broken), [502, 'upstream_unreachable'])
    const [silent, late] = [upstream.hold('/v1/silent'), ask('/v1/silent')]
    assert.deepEqual(codeOf(await late), [504, 'upstream_timeout'])
    ;(await silent).response.destroy()
    await upstream.close()
    assert.deepEqual(codeOf(await ask('/v1/models')), [502, 'upstream_unreachable'])
  })

  test('a large body arrives whole, and its digest is that of what was sent', async () => {
    const body = randomBytes(8 * 1024 * 1024)
    const headers = { ...from('203.0.113.7', newToken()), 'transfer-encoding': 'chunked' }
    const answer = await call(url('/v1/files'), { method: 'POST', headers, body })
    assert.equal(answer.status, 200)
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(digest(fleet.upstream.received.at(-1)?.body ?? Buffer.alloc(0)), digest(body))
  })

  test('a target passes byte for byte', async () => {
    const target = '/v1beta/models/google%2Fgemini//x/../y:generateContent?b=%20&a=1&&c'
    const headers = from('203.0.113.7', newToken())
    const { hostname, port } = new URL(fleet.gateways[0].url)
    const request = openRequest({ hostname, port, path: target, headers, agent: false }).end()
    const [response] = await within('the answer', once(request, 'response'))
    response.resume()
    assert.equal(response.statusCode, 200)
    assert.equal(fleet.upstream.received.at(-1)?.target, target)
  })

  test('a WebSocket echo through /v1/realtime is bound like any call', async () => {
    const token = newToken()
    const open = (address: string) =>
      new WebSocket(socketUrl('/v1/realtime'), ['realtime', `openai-insecure-api-key.${token}`], {
        headers: { 'x-real-ip': address },
      })
    const socket = open('203.0.113.7')
    await within('the open WebSocket', once(socket, 'open'))
    for (const sent of ['hello', 'a'.repeat(200_000)]) {
      const echoed = once(socket, 'message')
      socket.send(sent)
      const [data] = await within('the echo', echoed)
      assert.equal(String(data), sent)
    }
    const stolen = open('203.0.113.8')
    stolen.on('error', () => null)
    const [, refusal] = await within('the refusal', once(stolen, 'unexpected-response'))
    assert.equal(refusal.statusCode, 403)
    const answer = await call(url('/v1/models'), { headers: from('203.0.113.8', token) })
    assert.equal(answer.code, 'ip_not_allowed')
    const closed = once(socket, 'close')
    socket.close(1000, 'done')
    assert.equal((await within('the close', closed))[0], 1000)
  })

  test('a WebSocket client that vanishes frees the upstream connection within 1 s', async () => {
    const openBefore = fleet.upstream.openSockets()
    const socket = new WebSocket(socketUrl('/v1/realtime'), {
      headers: from('203.0.113.7', newToken()),
    })
    await within('the open WebSocket', once(socket, 'open'))
    socket.terminate()
    await eventually('the upstream socket closing', () => fleet.upstream.openSockets() <= openBefore, 1000)
  })
})

function codeOf({ status, code }: Answer): [number, string | null] {
  return [status, code]
}
