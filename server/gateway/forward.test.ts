// The call out and back over real sockets: what streams, what is kept back, and what happens when a side breaks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { codeOf, openRaw, sendRaw, statusOf } from '../http/test-support.ts'
import { bearer, heldCalls, rawGet, startPair, type TestGateway } from './test-support.ts'

const call = (gateway: TestGateway, path = '/v1/x', options: RequestInit = {}) =>
  fetch(gateway.url + path, { ...options, headers: { authorization: bearer, ...options.headers } })

describe('what the upstream receives', () => {
  test('the target byte for byte, the body untouched, behind the path of DOWNSTREAM_URL', async (t) => {
    const { upstream, gateway } = await startPair(t, undefined, { prefix: '/base/' })
    const target = '/v1/models/a%2Fb//c/../d;e?x=%zz&y=~'
    const head = `POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${bearer}\r\n`
    const answer = await sendRaw(
      gateway.port,
      Buffer.from(`${head}Content-Length: 4\r\n\r\n\x00\xff\r\n`, 'latin1'),
    )
    assert.equal(statusOf(answer), 200)
    assert.match(
      upstream.bytes(),
      /^POST \/base\/v1\/models\/a%2Fb\/\/c\/\.\.\/d;e\?x=%zz&y=~ HTTP\/1\.1\r\n/,
    )
    assert.deepEqual(upstream.received[0]?.body, Buffer.from('\x00\xff\r\n', 'latin1'))
  })

  test('a body of any framing arrives whole, with one declared length or chunked', async (t) => {
    const { upstream, gateway } = await startPair(t)
    const bodies = [
      Buffer.alloc(0),
      Buffer.alloc(10, 1),
      Buffer.alloc(64 * 1024, 2),
      Buffer.alloc(3_000_000, 3),
    ]
    for (const body of bodies) {
      await call(gateway, '/v1/x', { method: 'POST', body })
      const chunked = new ReadableStream({
        start(controller) {
          for (let at = 0; at < body.length; at += 50_000) controller.enqueue(body.subarray(at, at + 50_000))
          controller.close()
        },
      })
      await call(gateway, '/v1/x', { method: 'PUT', body: chunked, duplex: 'half' } as RequestInit)
      for (const received of upstream.received.splice(0)) assert.ok(received.body.equals(body))
    }
  })

  test('a GET and a DELETE with a body keep it', async (t) => {
    const { upstream, gateway } = await startPair(t)
    for (const method of ['GET', 'DELETE']) {
      const outgoing = request(`${gateway.url}/v1/x`, { method, headers: { authorization: bearer } })
      outgoing.setHeader('Content-Length', 3).end('abc')
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      await buffer(response)
      assert.equal(upstream.received.pop()?.body.toString(), 'abc')
    }
  })

  test('100 Continue comes from us, after the call was admitted and not before', async (t) => {
    const { upstream, gateway } = await startPair(t)
    const head = `POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n`
    const good = openRaw(gateway.port)
    good.socket.write(`${head}Authorization: ${bearer}\r\n\r\n`)
    await good.received(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    good.socket.write('abc')
    await good.received(/HTTP\/1\.1 200 OK/)
    good.socket.destroy()
    assert.equal(upstream.received[0]?.body.toString(), 'abc')
    assert.doesNotMatch(upstream.bytes(), /expect/i)
    const refused = await sendRaw(gateway.port, `${head}\r\n`)
    assert.match(refused, /^HTTP\/1\.1 401 .*Connection: close/is)
    assert.equal(upstream.received.length, 1)
  })
})

describe('what the client receives', () => {
  test('the first event before the upstream sends its second, comments and bytes as they are', async (t) => {
    const held = heldCalls()
    const { gateway } = await startPair(t, held.listener)
    const arrived = held.next()
    const answering = call(gateway)
    const [, response] = await arrived
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    const answer = await answering
    const reader = answer.body?.getReader()
    for (const event of [': a comment\n\n', 'data: 1\n\n', 'data: \u00e9\n\n']) {
      response.write(event)
      const chunk = await reader?.read()
      assert.equal(Buffer.from(chunk?.value ?? []).toString(), event)
    }
    response.end()
    assert.equal((await reader?.read())?.done, true)
  })

  test('status, headers with duplicates, our request id, and the bytes of an encoded body', async (t) => {
    const { gateway } = await startPair(t, (_, response) => {
      response.writeHead(418, [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'X-Request-Id',
        'theirs',
        'X-L',
        '\xe9',
      ])
      response.end(Buffer.from([0x1f, 0x8b, 0, 255]))
    })
    const answer = await sendRaw(gateway.port, rawGet())
    assert.match(answer, /^HTTP\/1\.1 418 /)
    assert.match(
      answer,
      /Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Upstream-Request-Id: theirs\r\nX-L: \xe9\r\n/,
    )
    assert.match(answer, /X-Request-Id: [0-9a-f-]{36}\r\n/)
    assert.ok(answer.endsWith('\r\n\r\n\x1f\x8b\0\xff'))
  })

  test('HEAD, 204 and 304 have no body, and HEAD keeps the declared length', async (t) => {
    const { gateway } = await startPair(t, (incoming, response) => {
      if (incoming.method === 'HEAD') response.writeHead(200, { 'Content-Length': 5 })
      else response.writeHead(incoming.url === '/v1/204' ? 204 : 304)
      response.end()
    })
    assert.match(
      await sendRaw(gateway.port, rawGet('HEAD')),
      /Content-Length: 5\r\n(?!.*Content-Length).*\r\n\r\n$/s,
    )
    assert.match(await sendRaw(gateway.port, rawGet('GET', '/v1/204')), /^HTTP\/1\.1 204 .*\r\n\r\n$/s)
    assert.match(await sendRaw(gateway.port, rawGet('GET', '/v1/304')), /^HTTP\/1\.1 304 .*\r\n\r\n$/s)
  })

  test('an interim answer goes ahead of the final one', async (t) => {
    const { gateway } = await startPair(t, (_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.end('{}')
    })
    const answer = await sendRaw(gateway.port, rawGet())
    assert.match(answer, /^HTTP\/1\.1 103 Early Hints\r\nLink: .*\r\n\r\nHTTP\/1\.1 200 OK\r\n/s)
  })

  test('interim answers without end are 502, and the upstream is let go', async (t) => {
    const { gateway, upstream } = await startPair(t, (_, response) => {
      const hint = () => {
        if (response.destroyed) return
        response.writeEarlyHints({ link: '</a>; rel=preload' })
        setImmediate(hint)
      }
      hint()
    })
    const answer = await sendRaw(gateway.port, rawGet())
    assert.equal(codeOf(answer), 'upstream_protocol_error')
    assert.equal(answer.split('103 Early Hints').length - 1, 100)
    await Promise.all([...upstream.sockets].map((socket) => once(socket, 'close')))
  })

  test('a client of HTTP/1.0 gets the body to the end of the connection, not in chunks', async (t) => {
    const { gateway } = await startPair(t, (_, response) => {
      response.write('a')
      setImmediate(() => response.end('b'))
    })
    const answer = await sendRaw(gateway.port, `GET /v1/x HTTP/1.0\r\nAuthorization: ${bearer}\r\n\r\n`)
    assert.match(answer, /\r\n\r\nab$/)
    assert.doesNotMatch(answer, /chunked/i)
  })

  test('redirects are the client to follow', async (t) => {
    const { gateway, upstream } = await startPair(t, (_, response) => {
      response.writeHead(302, { Location: `${upstream.url}/elsewhere` }).end()
    })
    const answer = await call(gateway, '/v1/x', { redirect: 'manual' })
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${upstream.url}/elsewhere`])
  })

  test('a client that reads slowly holds the upstream back, and still gets every byte', async (t) => {
    const bytes = 64 * 1024 * 1024
    let sentBytes = 0
    const stalled = Promise.withResolvers<void>()
    const { gateway } = await startPair(t, (_, response) => {
      const chunk = Buffer.alloc(256 * 1024)
      const send = () => {
        while (sentBytes < bytes) {
          sentBytes += chunk.length
          if (!response.write(chunk)) {
            if (sentBytes > chunk.length) stalled.resolve()
            response.once('drain', send)
            return
          }
        }
        response.end()
      }
      send()
    })
    const outgoing = request(`${gateway.url}/v1/x`, { headers: { authorization: bearer } }).end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    await stalled.promise
    // Turn after turn nothing moves any more: socket buffers are full, and we hold next to nothing.
    await settled(() => sentBytes)
    assert.ok(sentBytes < bytes / 2, `${sentBytes} bytes were taken from the upstream`)
    let receivedBytes = 0
    for await (const chunk of response) receivedBytes += (chunk as Buffer).length
    assert.equal(receivedBytes, bytes)
  })

  test('an upstream that reads slowly holds the client back, and still gets every byte', async (t) => {
    const held = heldCalls()
    const { gateway } = await startPair(t, held.listener)
    const arrived = held.next()
    const bytes = 64 * 1024 * 1024
    const outgoing = request(`${gateway.url}/v1/x`, {
      method: 'POST',
      headers: { authorization: bearer, 'content-length': bytes },
    })
    let sentBytes = 0
    const chunk = Buffer.alloc(256 * 1024)
    const send = () => {
      while (sentBytes < bytes) {
        sentBytes += chunk.length
        if (!outgoing.write(chunk)) {
          outgoing.once('drain', send)
          return
        }
      }
      outgoing.end()
    }
    send()
    const [incoming, response] = await arrived
    await settled(() => sentBytes)
    assert.ok(sentBytes < bytes / 2, `${sentBytes} bytes were taken from the client`)
    const received = await buffer(incoming)
    response.end('{}')
    assert.equal(received.length, bytes)
    await once(outgoing, 'response')
  })
})

describe('the body limit', () => {
  const limits = { pass_through: { body_bytes_max: 100_000, concurrent_per_address_max: 100 } }

  test('a declared length over it is refused before the upstream hears of it', async (t) => {
    const { gateway, upstream } = await startPair(t, undefined, { limits })
    const answer = await call(gateway, '/v1/x', { method: 'POST', body: Buffer.alloc(100_001) })
    assert.deepEqual([answer.status, codeOf(await answer.text())], [413, 'body_too_large'])
    assert.equal(upstream.bytes(), '')
    assert.equal(gateway.asked.length, 0)
    const fits = await call(gateway, '/v1/x', { method: 'POST', body: Buffer.alloc(100_000) })
    assert.equal(fits.status, 200)
  })

  test('a chunked body over it ends the call, and the upstream never sees its end', async (t) => {
    const { gateway, upstream } = await startPair(t, undefined, { limits })
    const chunk = `${(60_000).toString(16)}\r\n${'a'.repeat(60_000)}\r\n`
    const head = `POST /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\nTransfer-Encoding: chunked\r\n\r\n`
    const { socket, received } = openRaw(gateway.port)
    socket.write(head + chunk + chunk)
    assert.equal(statusOf(await received(/body_too_large/)), 413)
    socket.destroy()
    assert.equal(upstream.received.length, 0)
    assert.doesNotMatch(upstream.bytes(), /\r\n0\r\n\r\n$/)
  })

  test('an answer that came before the body ended is delivered, and a little of the rest is taken', async (t) => {
    const { gateway } = await startPair(t, (_, response) => void response.writeHead(403).end('no'))
    const { socket, received } = openRaw(gateway.port)
    const head = `POST /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\nContent-Length: 200000\r\n\r\n`
    socket.write(head + 'a'.repeat(100_000))
    assert.equal(statusOf(await received(/\r\n\r\nno$/)), 403)
    socket.write(`${'a'.repeat(100_000)}GET /health HTTP/1.1\r\nHost: a\r\n\r\n`)
    await received(/own$/)
    socket.destroy()
  })
})

/** Resolves when `read` gave the same value through many turns of the event loop. */
async function settled(read: () => number): Promise<void> {
  let last = -1
  for (let same = 0; same < 2000; same++) {
    const value = read()
    if (value !== last) same = 0
    last = value
    await new Promise((resolve) => setImmediate(resolve))
  }
}
