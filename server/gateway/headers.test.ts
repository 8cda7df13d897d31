// What crosses the gateway in either direction: hop-by-hop headers never, ours always last and always ours.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toClientHeaders, toUpstreamHeaders } from './headers.ts'

const from = { address: '203.0.113.7', proto: 'https', host: 'gateway.example' }
const ours = [
  ...['X-Real-IP', '203.0.113.7', 'X-Forwarded-For', '203.0.113.7'],
  ...['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'gateway.example'],
]
const forward = (rawHeaders: string[], options = {}) => {
  const all = toUpstreamHeaders(rawHeaders, { from, isUpgrade: false, withoutCredentials: false, ...options })
  assert.deepEqual(all.slice(-ours.length), ours)
  return all.slice(0, -ours.length)
}
const back = (...texts: string[]) =>
  toClientHeaders(
    texts.map((text) => Buffer.from(text, 'latin1')),
    'our-id',
  )

describe('towards the upstream', () => {
  const dropped: [name: string, value: string][] = [
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'Proxy-Authorization', 'TE', 'Trailer'].map(
      (name): [string, string] => [name, 'x'],
    ),
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['Expect', '100-continue'],
    ['Host', 'elsewhere'],
    ['Content-Length', '3'],
    ['X-Real-IP', '198.51.100.1'],
    ['X-Forwarded-For', '198.51.100.1'],
    ['x-forwarded-proto', 'gopher'],
    ['X-FORWARDED-ANYTHING', 'x'],
    ['Forwarded', 'for=198.51.100.1'],
    ['Sec-WebSocket-Protocol', 'realtime'],
  ]
  for (const [name, value] of dropped) {
    test(`${name} does not pass`, () => {
      assert.deepEqual(forward([name, value, 'Accept', '*/*']), ['Accept', '*/*'])
      assert.deepEqual(forward([name.toLowerCase(), value]), [])
    })
  }

  test('everything else passes as it came: order, spelling, duplicates, bytes', () => {
    const headers = ['B', '1', 'a', '2', 'B', '3', 'Authorization', 'Bearer k', 'Via', '1.1 x', 'X-L', '\xe9']
    assert.deepEqual(forward(headers), headers)
  })

  test('what Connection names is of this hop, and naming ours strips nothing of ours', () => {
    const headers = ['Connection', 'close, X-Hop,X-Real-IP , x-forwarded-for', 'X-Hop', '1', 'X-Keep', '2']
    assert.deepEqual(forward(headers), ['X-Keep', '2'])
    assert.deepEqual(forward(['X-Hop', '1', 'connection', 'x-other', 'Connection', 'x-hop']), [])
  })

  test('our cookies are cut out of Cookie, the others stay', () => {
    const cookies = 'a=1; sallyport_session=secret; b=sallyport_x; sallyport_y=2'
    assert.deepEqual(forward(['Cookie', cookies]), ['Cookie', 'a=1; b=sallyport_x'])
    assert.deepEqual(forward(['cookie', 'sallyport_session=secret']), [])
  })

  test('Sec-WebSocket-Protocol passes on an upgrade', () => {
    const headers = ['Sec-WebSocket-Protocol', 'realtime']
    assert.deepEqual(forward(headers, { isUpgrade: true }), headers)
  })

  test('a preflight carries nothing that could authenticate', () => {
    const credentials = ['authorization', 'X-API-Key', 'x-goog-api-key', 'mj-api-secret', 'Cookie']
    const headers = credentials.flatMap((name) => [name, 'k'])
    assert.deepEqual(forward([...headers, 'Origin', 'o'], { withoutCredentials: true }), ['Origin', 'o'])
  })

  test('a client that names no host adds none', () => {
    const options = { from: { ...from, host: '' }, isUpgrade: false, withoutCredentials: false }
    assert.equal(toUpstreamHeaders([], options).includes('X-Forwarded-Host'), false)
  })
})

describe('towards the client', () => {
  test('hop-by-hop headers and what Connection names do not pass, all else does', () => {
    const hop = [
      'Connection',
      'X-Hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
    ]
    const end = ['Content-Type', 'a', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-L', '\xe9']
    assert.deepEqual(back(...hop, ...end), [...end, 'X-Request-Id', 'our-id'])
  })

  test("the upstream's request id is told under another name", () => {
    assert.deepEqual(back('x-request-id', 'theirs'), [
      'X-Upstream-Request-Id',
      'theirs',
      'X-Request-Id',
      'our-id',
    ])
  })

  test('an upstream cannot set a cookie of ours', () => {
    assert.deepEqual(back('Set-Cookie', 'sallyport_session=x; Path=/'), ['X-Request-Id', 'our-id'])
  })
})
