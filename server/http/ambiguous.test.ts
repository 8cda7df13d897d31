// Raw malformed requests: each is refused with the envelope, its connection ends, and nothing behind it is ever read.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findAmbiguity, toOriginForm } from './ambiguous.ts'
import { codeOf, openRaw, sendRaw, startTestHttp, statusOf, testConfig } from './test-support.ts'

const host = 'Host: a\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n'
const get = (headers: string, line = 'GET / HTTP/1.1') => `${line}\r\n${headers}\r\n`
const post = (headers: string, body = '') => `POST / HTTP/1.1\r\n${host}${headers}\r\n${body}`

const refused: [name: string, request: string][] = [
  ['two Host headers', get(`${host}host: b\r\n`)],
  ['two equal Host headers', get(host + host)],
  ['no Host header', get('')],
  ['a Host header with a list', get('Host: a, b\r\n')],
  ['a Host header with a path', get('Host: a/b\r\n')],
  ['Content-Length before Transfer-Encoding', post(`Content-Length: 5\r\n${chunked}`, '0\r\n\r\n')],
  ['Transfer-Encoding before Content-Length', post(`${chunked}Content-Length: 5\r\n`, '0\r\n\r\n')],
  ['two Content-Length headers', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'a')],
  ['a list of lengths', post('Content-Length: 1, 1\r\n', 'a')],
  ['a signed length', post('Content-Length: +1\r\n', 'a')],
  ['an empty length', post('Content-Length: \r\n')],
  ['two Transfer-Encoding headers', post(chunked + chunked, '0\r\n\r\n')],
  ['a coding before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
  ['a coding that only looks like chunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')],
  ['Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${chunked}\r\n0\r\n\r\n`],
  ['a bare LF behind the request line', `GET / HTTP/1.1\n${host}\r\n`],
  ['a bare LF behind a header', get('Host: a\nX: b\r\n')],
  ['a bare LF at the end of the head', `GET / HTTP/1.1\r\n${host}\n`],
  ['a bare CR in a header', get(`${host}X: a\rX-Real-IP: 1\r\n`)],
  ['a folded header', get(`${host}X: a\r\n b\r\n`)],
  ['NUL in a header', get(`${host}X: a\0b\r\n`)],
  ['a control character in a header', get(`${host}X: a\x01b\r\n`)],
  ['white space before a colon', get('Host : a\r\n')],
  ['HTTP/0.9', get(host, 'GET / HTTP/0.9')],
  ['HTTP/1.2', get(host, 'GET / HTTP/1.2')],
  ['HTTP/2.0', get(host, 'GET / HTTP/2.0')],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a target on another host', get(host, 'GET http://evil/ HTTP/1.1')],
  ['a target with a user', get(host, 'GET http://u@a/ HTTP/1.1')],
  ['an absolute target without a Host', 'GET http://a/ HTTP/1.0\r\n\r\n'],
  ['a target that is no path', get(host, 'OPTIONS * HTTP/1.1')],
  ['CONNECT', get(host, 'CONNECT a:80 HTTP/1.1')],
  ['a fragment in the target', get(host, 'GET /a#b HTTP/1.1')],
  ['white space in the target', get(host, 'GET /a b HTTP/1.1')],
  ...[
    'X_Real_IP',
    'x_real-ip',
    'X_Forwarded_For',
    'X-Forwarded_Host',
    'x_forwarded_anything',
    'X_Api_Key',
    'x_goog_api_key',
    'mj_api_secret',
    'Sec_WebSocket_Protocol',
    'Content_Length',
    'Transfer_Encoding',
  ].map((name): [string, string] => [`the underscore twin ${name}`, get(`${host}${name}: 1\r\n`)]),
]

async function start(t: { after(run: () => Promise<void>): void }) {
  const seen: string[] = []
  const handle = (
    request: import('node:http').IncomingMessage,
    response: import('node:http').ServerResponse,
  ) => {
    seen.push(`${request.method} ${request.url}`)
    request.resume().once('end', () => response.end('ok'))
    return undefined
  }
  const config = testConfig({ SHUTDOWN_GRACE_MS: '0' })
  const running = await startTestHttp({
    config,
    handlers: { own: handle, proxy: handle, passThrough: handle, upgrade: handle },
  })
  t.after(running.http.close)
  return { ...running, seen }
}

describe('an ambiguous request is refused and its connection ends', () => {
  for (const [name, request] of refused) {
    test(name, async (t) => {
      const { port, seen, logLines } = await start(t)
      const smuggled = get(host, 'GET /smuggled HTTP/1.1')
      const answer = await sendRaw(port, Buffer.from(request + smuggled, 'latin1'))
      assert.deepEqual([statusOf(answer), codeOf(answer)], [400, 'ambiguous_request'])
      assert.match(answer, /^Connection: close\r$/im)
      const requestId = /X-Request-Id: ([0-9a-f-]{36})\r\n/.exec(answer)?.[1]
      assert.match(answer, new RegExp(`"request_id":"${requestId}"`))
      assert.deepEqual(seen, [])
      assert.deepEqual(
        logLines.filter((line) => line.request_id !== undefined).map((line) => [line.code, line.request_id]),
        [['ambiguous_request', requestId]],
      )
    })
  }

  test('a chunk that ends in a bare LF breaks the request it belongs to', async (t) => {
    const { port, logged } = await start(t)
    for (const body of ['1\na\r\n0\r\n\r\n', '1\r\na\n0\r\n\r\n', '1;x\ny\r\na\r\n0\r\n\r\n', 'g\r\na\r\n']) {
      const answer = await sendRaw(port, post(chunked, body))
      assert.deepEqual([statusOf(answer), codeOf(answer)], [400, 'ambiguous_request'], JSON.stringify(body))
    }
    assert.equal((await logged((line) => line.code === 'ambiguous_request')).path, '/')
  })

  test('behind a good one, the good one is served and nothing else', async (t) => {
    const { port, seen } = await start(t)
    const good = get(host, 'GET /good HTTP/1.1')
    const answer = await sendRaw(port, good + get(host + host) + get(host, 'GET /smuggled HTTP/1.1'))
    assert.match(answer, /^HTTP\/1\.1 200 OK.*HTTP\/1\.1 400 /s)
    assert.deepEqual(seen, ['GET /good'])
  })
})

test('headers over the limit: 431; headers that do not come: 408; both in the envelope', async (t) => {
  const silent = () => undefined
  const handlers = { own: silent, proxy: silent, passThrough: silent, upgrade: silent }
  const { limits } = testConfig()
  const config = testConfig(
    { SHUTDOWN_GRACE_MS: '0' },
    { ...limits, headers_timeout_ms: 100, header_bytes_max: 2000 },
  )
  const { http, port } = await startTestHttp({ config, handlers })
  t.after(http.close)
  const large = await sendRaw(port, get(`${host}X: ${'a'.repeat(3000)}\r\n`))
  assert.deepEqual([statusOf(large), codeOf(large)], [431, 'header_too_large'])
  const slow = await sendRaw(port, `GET / HTTP/1.1\r\nHost: a`)
  assert.deepEqual([statusOf(slow), codeOf(slow)], [408, 'request_timeout'])
})

describe('what can be read in one way only is served', () => {
  const served: [name: string, request: string, seen: string][] = [
    ['HTTP/1.0 without a Host', 'GET /a HTTP/1.0\r\n\r\n', 'GET /a'],
    [
      'absolute form of the same host',
      get('Host: A:80\r\nConnection: close\r\n', 'GET http://a:80/x?y HTTP/1.1'),
      '',
    ],
    [
      'odd bytes in the path',
      get(`${host}Connection: close\r\n`, 'GET //a/../%2F;b HTTP/1.1'),
      'GET //a/../%2F;b',
    ],
    [
      'an underscore in a name that decides nothing',
      get(`${host}Connection: close\r\nX_Trace: 1\r\n`),
      'GET /',
    ],
    ['a chunk extension', post(`${chunked}Connection: close\r\n`, '1;a=b\r\nx\r\n0\r\n\r\n'), 'POST /'],
  ]
  for (const [name, request, expected] of served) {
    test(name, async (t) => {
      const { port, seen } = await start(t)
      const { received, socket } = openRaw(port)
      socket.write(request)
      assert.equal(statusOf(await received(/ok/)), 200)
      socket.destroy()
      if (expected) assert.deepEqual(seen, [expected])
    })
  }

  test('absolute form is reduced to origin form', () => {
    const cases = [
      ['http://a/x?y', '/x?y'],
      ['HTTP://a', '/'],
      ['https://a?x', '/?x'],
      ['/http://a/', '/http://a/'],
    ]
    for (const [url = '', target] of cases) assert.equal(toOriginForm(url), target)
    const head = { rawHeaders: ['Host', 'a'], httpVersionMajor: 1, httpVersionMinor: 1, method: 'GET' }
    assert.equal(findAmbiguity({ ...head, url: 'http://A/x' }), null)
    assert.equal(findAmbiguity({ ...head, url: 'http://a:81/x' }), 'a target on another host')
  })
})
