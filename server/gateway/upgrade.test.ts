// WebSockets through the gateway: the same checks as any call, then bytes both ways until one side ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { codeOf, openRaw, sendRaw, statusOf } from '../http/test-support.ts'
import { bearer, startGateway, startUpstream, token } from './test-support.ts'

const protocols = ['realtime', `openai-insecure-api-key.${token}`]
const upgradeHead = (more = '', path = '/v1/realtime') =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n${more}\r\n`
const authorised = `Authorization: ${bearer}\r\n`

async function start(
  t: TestContext,
  options: Omit<Parameters<typeof startGateway>[0], 'downstreamUrl'> = {},
) {
  const upstream = await startUpstream()
  const echo = new WebSocketServer({ server: upstream.server, handleProtocols: () => 'realtime' })
  echo.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const gateway = await startGateway({ downstreamUrl: upstream.url, ...options })
  t.after(async () => {
    await gateway.close()
    echo.close()
    await upstream.close()
  })
  return { upstream, gateway, echo, url: `ws://127.0.0.1:${gateway.port}/v1/realtime` }
}

describe('a WebSocket', () => {
  test('is decided by the token in its protocols and echoes text, bytes and its close code', async (t) => {
    const { upstream, gateway, echo, url } = await start(t)
    const upstreamSide = once(echo, 'connection')
    const client = new WebSocket(url, protocols)
    await once(client, 'open')
    assert.equal(client.protocol, 'realtime')
    assert.equal(gateway.asked.length, 1)
    assert.equal(gateway.asked[0]?.tokenDisplay, 'sk-Ab12...Ab12')
    assert.match(upstream.bytes(), /Sec-WebSocket-Protocol: realtime,openai-insecure-api-key/i)
    assert.match(upstream.bytes(), /X-Real-IP: 127\.0\.0\.1\r\n/)
    for (const message of ['hello', Buffer.alloc(300_000, 7)]) {
      client.send(message)
      const [data] = (await once(client, 'message')) as [Buffer]
      assert.ok(Buffer.from(message).equals(data))
    }
    const [socket] = (await upstreamSide) as [WebSocket]
    socket.close(4001, 'done')
    const [code] = (await once(client, 'close')) as [number]
    assert.equal(code, 4001)
    const line = await gateway.logged((entry) => entry.status === 101)
    assert.equal(line.aborted, undefined)
    assert.ok((line.bytes_in ?? 0) > 300_000 && (line.bytes_out ?? 0) > 300_000)
  })

  test('ends on both sides when either one vanishes', async (t) => {
    const { gateway, echo, url, upstream } = await start(t)
    let tunnels = 0
    for (const who of ['client', 'upstream'] as const) {
      const upstreamSide = once(echo, 'connection')
      const client = new WebSocket(url, protocols)
      client.on('error', () => undefined)
      await once(client, 'open')
      const [socket] = (await upstreamSide) as [WebSocket]
      const both = Promise.all([once(client, 'close'), once(socket, 'close')])
      if (who === 'client') client.terminate()
      else socket.terminate()
      await both
      tunnels++
      await gateway.logged(() => gateway.logLines.filter((line) => line.status === 101).length === tunnels)
    }
    assert.equal(upstream.sockets.size, 0)
  })

  test('is cut after the idle time when both sides are silent', async (t) => {
    const { url } = await start(t, { env: { UPSTREAM_IDLE_TIMEOUT_MS: '50' } })
    const client = new WebSocket(url, protocols)
    await once(client, 'open')
    const [code] = (await once(client, 'close')) as [number]
    assert.equal(code, 1006)
  })

  test('bytes sent right behind the request are not lost', async (t) => {
    const { gateway } = await start(t)
    const { socket, received } = openRaw(gateway.port)
    // A masked text frame "hi" with a mask of zeros, in the same segment as the head.
    socket.write(
      Buffer.concat([Buffer.from(upgradeHead(authorised)), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 104, 105])]),
    )
    const answer = await received(/hi$/)
    assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(answer, /X-Request-Id: [0-9a-f-]{36}\r\n/)
    socket.destroy()
  })
})

describe('an upgrade that is refused', () => {
  const cases: [name: string, head: string, status: number, code: string][] = [
    ['without a token', upgradeHead(), 401, 'credential_missing'],
    ['with two tokens', upgradeHead(`${authorised}x-api-key: other\r\n`), 400, 'conflicting_credentials'],
    ['with a credential of ours', upgradeHead('Authorization: sp_x\r\n'), 403, 'wrong_credential'],
    ['with two Host headers', upgradeHead(`Host: b\r\n${authorised}`), 400, 'ambiguous_request'],
    ['with an underscore twin', upgradeHead(`X_Real_IP: 1\r\n${authorised}`), 400, 'ambiguous_request'],
  ]
  for (const [name, head, status, code] of cases) {
    test(`${name} gets the envelope and its connection ends`, async (t) => {
      const { gateway, upstream } = await start(t)
      const answer = await sendRaw(gateway.port, head)
      assert.deepEqual([statusOf(answer), codeOf(answer)], [status, code])
      assert.equal(upstream.bytes(), '')
    })
  }

  test('by the bindings tells so', async (t) => {
    const decide = () => ({ outcome: 'refused', code: 'ip_not_allowed' }) as const
    const { gateway } = await start(t, { decide })
    const answer = await sendRaw(gateway.port, upgradeHead(authorised))
    assert.deepEqual([statusOf(answer), codeOf(answer)], [403, 'ip_not_allowed'])
  })

  test('by the upstream brings its answer', async (t) => {
    const upstream = await startUpstream()
    upstream.server.on('upgrade', (_, socket) => {
      socket.end(
        `HTTP/1.1 426 Upgrade Required\r\nX-Why: no\r\nContent-Length: 200000\r\n\r\n${'a'.repeat(200_000)}`,
      )
    })
    const gateway = await startGateway({ downstreamUrl: upstream.url })
    t.after(async () => {
      await gateway.close()
      await upstream.close()
    })
    const answer = await sendRaw(gateway.port, upgradeHead(authorised))
    assert.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\nX-Why: no\r\n/)
    assert.ok(answer.endsWith('a'.repeat(200_000)))
  })

  test('by nobody, because the upstream is away, is a 502', async (t) => {
    const gateway = await startGateway({ downstreamUrl: 'http://127.0.0.1:1' })
    t.after(gateway.close)
    const answer = await sendRaw(gateway.port, upgradeHead(authorised))
    assert.deepEqual([statusOf(answer), codeOf(answer)], [502, 'upstream_unreachable'])
  })
})

test('an upgrade to anything but a WebSocket, or on a path of ours, is a plain request', async (t) => {
  const { gateway, upstream } = await start(t)
  const h2c = upgradeHead(authorised)
    .replace('Upgrade: websocket', 'Upgrade: h2c')
    .replace('Upgrade\r', 'Upgrade, close\r')
  assert.equal(statusOf(await sendRaw(gateway.port, h2c)), 200)
  assert.equal(upstream.received.length, 1)
  assert.doesNotMatch(upstream.bytes(), /upgrade|h2c/i)
  const own = openRaw(gateway.port)
  own.socket.write(upgradeHead(authorised, '/health'))
  await own.received(/own$/)
  own.socket.destroy()
})
