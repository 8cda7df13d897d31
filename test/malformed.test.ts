// Requests that two readers could take differently are refused with the envelope, and the upstream hears nothing of them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sendRaw } from './support/call.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { openScope } from './support/scope.ts'

const token = `sk-${'a1'.repeat(24)}`
const authorization = `Authorization: Bearer ${token}`
/** A second request behind the first: it must never be served when the first was refused. */
const smuggled = `GET /smuggled HTTP/1.1\r\nHost: h\r\n${authorization}\r\n\r\n`

function lines(...parts: string[]): string {
  return `${parts.join('\r\n')}\r\n\r\n`
}

const get = 'GET /v1/models HTTP/1.1'
const post = 'POST /v1/models HTTP/1.1'
const refused: [name: string, bytes: string][] = [
  ['two Host', lines(get, 'Host: a', 'Host: b', authorization)],
  ['two equal Host', lines(get, 'Host: a', 'Host: a', authorization)],
  ['no Host in HTTP/1.1', lines(get, authorization)],
  [
    'Content-Length with Transfer-Encoding',
    `${lines(post, 'Host: h', authorization, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ],
  [
    'two different Content-Length',
    `${lines(post, 'Host: h', authorization, 'Content-Length: 5', 'Content-Length: 6')}hello`,
  ],
  ['a list of Content-Length', `${lines(post, 'Host: h', authorization, 'Content-Length: 5, 5')}hello`],
  ['a signed Content-Length', `${lines(post, 'Host: h', authorization, 'Content-Length: +5')}hello`],
  [
    'an unknown Transfer-Encoding',
    `${lines(post, 'Host: h', authorization, 'Transfer-Encoding: xchunked')}0\r\n\r\n`,
  ],
  [
    'chunked that is not last',
    `${lines(post, 'Host: h', authorization, 'Transfer-Encoding: chunked, identity')}0\r\n\r\n`,
  ],
  [
    'HTTP/1.0 with chunked',
    `${lines('POST /v1/models HTTP/1.0', 'Host: h', authorization, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ],
  ['bare LF line ends', `${get}\nHost: h\n${authorization}\n\n`],
  ['one bare LF among CRLF', `${get}\r\nHost: h\n${authorization}\r\n\r\n`],
  [
    'absolute-form for another host',
    lines('GET http://evil.example/v1/models HTTP/1.1', 'Host: h', authorization),
  ],
  ['HTTP/1.2', lines('GET /v1/models HTTP/1.2', 'Host: h', authorization)],
  ['HTTP/0.9 style', 'GET /v1/models\r\n\r\n'],
  ['HTTP/2.0', lines('GET /v1/models HTTP/2.0', 'Host: h', authorization)],
  ['a folded header', lines(get, 'Host: h', 'X-A: 1', ' folded', authorization)],
  ['white space before the colon', lines(get, 'Host: h', `Authorization : Bearer ${token}`)],
  ['a NUL in a header', lines(get, 'Host: h', 'X-A: a\0b', authorization)],
  ['an empty header name', lines(get, 'Host: h', ': x', authorization)],
  ...[
    'X_Real_IP: 203.0.113.1',
    'X_Forwarded_For: 203.0.113.1',
    'x-forwarded_proto: https',
    `X_Api_Key: ${token}`,
    `x-goog_api_key: ${token}`,
    `mj_api_secret: ${token}`,
    'Sec_WebSocket_Protocol: x',
    'Content_Length: 5',
    'Transfer_Encoding: chunked',
  ].map((twin): [string, string] => [
    `an underscore twin (${twin.split(':', 1)[0]})`,
    lines(get, 'Host: h', twin, authorization),
  ]),
]

describe('ambiguous requests', () => {
  const scope = openScope({ after })
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope)
  })
  const send = (bytes: string) => sendRaw(fleet.gateways[0].url, Buffer.from(bytes, 'latin1'))

  for (const [name, bytes] of refused) {
    test(`${name}: refused with 400 and the envelope, the connection closed unread`, async () => {
      const before = fleet.upstream.rawBytes().length
      const answer = await send(bytes + smuggled)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.match(answer, /\r\nx-request-id: \S+/i)
      const body: unknown = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
      assert.match(JSON.stringify(body), /"type":"sallyport_error","code":"(ambiguous|malformed)_request"/)
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer only')
      assert.equal(fleet.upstream.rawBytes().length, before, 'the upstream heard nothing')
    })
  }

  test('what is accepted reaches the upstream exactly, each header once and ours last', async () => {
    const before = fleet.upstream.rawBytes().length
    const answer = await send(
      `${lines(
        'POST /v1/chat/completions?x=%2F HTTP/1.1',
        'Host: public.example',
        authorization,
        'X-Custom:  two  words ',
        'Content-Type: application/json',
        'Content-Length: 11',
        'Connection: close, X-Drop',
        'X-Drop: me',
        'Keep-Alive: 5',
        'TE: trailers',
        'Proxy-Authorization: Basic eDp5',
        'Forwarded: for=203.0.113.1',
        'Cookie: sallyport_session=secret; theirs=1',
      )}{"a": "\u00e4\u00f6"}`,
    )
    assert.match(answer, /^HTTP\/1\.1 200 /)
    const heard = fleet.upstream.rawBytes().subarray(before).toString('latin1')
    const [head = '', body] = heard.split('\r\n\r\n')
    assert.equal(body, '{"a": "\u00e4\u00f6"}')
    assert.equal(head.split('\r\n')[0], 'POST /v1/chat/completions?x=%2F HTTP/1.1')
    for (const expected of [
      /\r\nhost: 127\.0\.0\.1:\d+/i,
      /\r\nx-custom: two {2}words(\r\n|$)/i,
      /\r\nx-real-ip: 127\.0\.0\.1(\r\n|$)/i,
      /\r\nx-forwarded-for: 127\.0\.0\.1(\r\n|$)/i,
      /\r\ncookie: theirs=1(\r\n|$)/i,
    ]) {
      assert.equal(head.match(new RegExp(expected, 'gi'))?.length, 1, String(expected))
    }
    assert.doesNotMatch(
      head,
      /x-drop|keep-alive:|\bte:|proxy-authorization|forwarded: for|sallyport_session/i,
    )
  })

  test('absolute-form for our own host is served by its path', async () => {
    const host = new URL(fleet.gateways[0].url).host
    const answer = await send(
      lines(`GET http://${host}/v1/models HTTP/1.1`, `Host: ${host}`, authorization, 'Connection: close'),
    )
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.equal(fleet.upstream.received.at(-1)?.target, '/v1/models')
  })

  test('an HTTP/1.0 client is served and its connection closed', async () => {
    const answer = await send(lines('GET /v1/models HTTP/1.0', 'Host: h', authorization))
    assert.match(answer, /^HTTP\/1\.[01] 200 /)
    assert.match(answer, /"mock-model"/)
  })

  test('dot segments, double and encoded slashes under our own paths are refused', async () => {
    for (const path of [
      '/admin/../v1/models',
      '/admin//api',
      '/admin/%2e%2e/x',
      '/proxy/a%2Fb',
      '/docs/./x',
    ]) {
      const answer = await send(lines(`GET ${path} HTTP/1.1`, 'Host: h', authorization, 'Connection: close'))
      assert.match(answer, /^HTTP\/1\.1 400 /, path)
      assert.match(answer, /"code":"bad_path"/, path)
    }
  })

  test('headers past the limit get 431 and a CONNECT reaches nobody', async () => {
    const before = fleet.upstream.rawBytes().length
    const huge = await send(lines(get, 'Host: h', `X-Big: ${'x'.repeat(100_000)}`, authorization))
    assert.match(huge, /^HTTP\/1\.1 431 /)
    const connect = await send(
      lines('CONNECT example.com:443 HTTP/1.1', 'Host: example.com:443', authorization),
    )
    assert.match(connect, /^HTTP\/1\.1 4\d\d /)
    assert.equal(fleet.upstream.rawBytes().length, before)
  })
})
