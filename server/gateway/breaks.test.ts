// When one side breaks: the other hears of it at once, and half an answer never looks like a whole one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { within } from '../../test/support/eventually.ts'
import { codeOf, openRaw } from '../http/test-support.ts'
import { bearer, heldCalls, rawGet, startGateway, startPair, type TestGateway } from './test-support.ts'

const call = (gateway: TestGateway, path = '/v1/x', options: RequestInit = {}) =>
  fetch(gateway.url + path, { ...options, headers: { authorization: bearer, ...options.headers } })

describe('when a side breaks', () => {
  test('a client that hangs up frees the upstream socket at once', async (t) => {
    const held = heldCalls()
    const { gateway, upstream } = await startPair(t, held.listener)
    for (const begun of [false, true]) {
      const arrived = held.next()
      const { socket, received } = openRaw(gateway.port)
      socket.write(rawGet())
      const [incoming, response] = await arrived
      if (begun) {
        response.write('data: 1\n\n')
        await received(/data: 1/)
      }
      const freed = once(incoming.socket, 'close')
      socket.destroy()
      await within('the upstream connection closed', freed, 1_000)
      const line = await gateway.logged(
        (entry) => entry.aborted === true && entry.status === (begun ? 200 : undefined),
      )
      assert.equal(line.path, '/v1/x')
    }
    assert.equal(upstream.sockets.size, 0)
  })

  test('a client that hangs up before its small body is whole leaves the upstream in peace', async (t) => {
    const { gateway, upstream } = await startPair(t)
    const { socket } = openRaw(gateway.port)
    socket.end(`POST /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\nContent-Length: 9\r\n\r\nabc`)
    await gateway.logged((line) => line.aborted === true)
    assert.equal(upstream.bytes(), '')
  })

  test('nobody listens: 502, and the status is told to whoever waits for it', async (t) => {
    const settledWith: number[] = []
    const gateway = await startGateway({
      downstreamUrl: 'http://127.0.0.1:1',
      decide: () => ({ outcome: 'allowed', settle: (status) => settledWith.push(status), observed: false }),
    })
    t.after(gateway.close)
    const answer = await call(gateway)
    assert.equal(answer.status, 502)
    assert.equal(codeOf(await answer.text()), 'upstream_unreachable')
    assert.deepEqual(settledWith, [502])
    const line = await gateway.logged((entry) => entry.code === 'upstream_unreachable')
    assert.equal(line.detail, 'ECONNREFUSED')
    assert.match(await gateway.registry.metrics(), /upstream_failures_total\{code="upstream_unreachable"\} 1/)
  })

  test('nobody listens: who is still sending a large body sees the 502, and the connection goes on', async (t) => {
    const gateway = await startGateway({ downstreamUrl: 'http://127.0.0.1:1' })
    t.after(gateway.close)
    const { socket, received } = openRaw(gateway.port)
    const length = 4_000_000
    socket.write(
      `POST /v1/x HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer}\r\nContent-Length: ${length}\r\n\r\n`,
    )
    socket.write('a'.repeat(length / 2))
    assert.equal(codeOf(await received(/upstream_unreachable/)), 'upstream_unreachable')
    socket.write(`${'a'.repeat(length / 2)}GET /health HTTP/1.1\r\nHost: a\r\n\r\n`)
    await received(/own$/)
    socket.destroy()
  })

  test('an upstream that is silent: 504', async (t) => {
    const env = { UPSTREAM_HEADERS_TIMEOUT_MS: '50' }
    const { gateway } = await startPair(t, () => undefined, { env })
    const answer = await call(gateway)
    assert.deepEqual([answer.status, codeOf(await answer.text())], [504, 'upstream_timeout'])
  })

  test('an upstream that falls silent within its answer is cut off visibly', async (t) => {
    const env = { UPSTREAM_IDLE_TIMEOUT_MS: '50' }
    const { gateway } = await startPair(t, (_, response) => void response.write('a'), { env })
    const answer = await call(gateway)
    await assert.rejects(answer.text())
    await gateway.logged((line) => line.code === 'upstream_timeout' && line.aborted === true)
  })

  const broken: [name: string, bytes: string, status: number, code: string][] = [
    ['resets before an answer', '', 502, 'upstream_unreachable'],
    ['answers garbage', 'garbage\r\n\r\n', 502, 'upstream_protocol_error'],
    [
      'sends two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na',
      502,
      'upstream_protocol_error',
    ],
    [
      'sends control characters',
      'HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n',
      502,
      'upstream_protocol_error',
    ],
    ['floods headers', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 502, 'upstream_protocol_error'],
  ]
  for (const [name, bytes, status, code] of broken) {
    test(`an upstream that ${name}: ${status} ${code}`, async (t) => {
      const { gateway } = await startRaw(t, bytes)
      const answer = await call(gateway)
      assert.deepEqual([answer.status, codeOf(await answer.text())], [status, code])
    })
  }

  const truncated: [name: string, bytes: string][] = [
    ['lies about its length', `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(50_000)}`],
    ['breaks off a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc'],
    ['writes a bad chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n'],
  ]
  for (const [name, bytes] of truncated) {
    test(`an upstream that ${name} never looks like a whole answer`, async (t) => {
      const { gateway } = await startRaw(t, bytes)
      await assert.rejects(async () => {
        const answer = await call(gateway)
        if (answer.status === 200) await answer.text()
        else throw new Error(`refused with ${answer.status}`)
      })
    })
  }

  test('bytes behind an answer are not taken for the next one', async (t) => {
    const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const { gateway } = await startRaw(t, answer('a') + answer('smuggled'))
    assert.equal(await (await call(gateway)).text(), 'a')
    assert.equal(await (await call(gateway)).text(), 'a')
  })

  async function startRaw(t: TestContext, bytes: string) {
    const open = new Set<Socket>()
    const server = createTcpServer((socket) => {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.once('data', () => {
        if (bytes === '') socket.resetAndDestroy()
        else socket.end(bytes, 'latin1')
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const downstreamUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const gateway = await startGateway({ downstreamUrl })
    t.after(async () => {
      await gateway.close()
      for (const socket of open) socket.destroy()
      server.close()
    })
    return { gateway }
  }
})
