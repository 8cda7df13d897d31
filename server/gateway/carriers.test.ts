// Every place and spelling of a token leads to one canonical token; two different ones and our own are refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readToken, readWrittenToken, withoutQueryKeys } from './carriers.ts'

const key = 'Ab12'.repeat(12)
const other = 'Zz99'.repeat(12)

type Carry = (token: string) => { rawHeaders?: string[]; target?: string }
const header =
  (name: string, prefix = ''): Carry =>
  (token) => ({ rawHeaders: [name, prefix + token] })

const carriers: [name: string, carry: Carry][] = [
  ['Authorization: Bearer', header('Authorization', 'Bearer ')],
  ['authorization: bearer', header('authorization', 'bearer ')],
  ['AUTHORIZATION: BEARER with two spaces', header('AUTHORIZATION', 'BEARER  ')],
  ['Authorization without a prefix', header('Authorization')],
  ['x-api-key', header('x-api-key')],
  ['X-API-Key with a prefix', header('X-API-Key', 'Bearer ')],
  ['x-goog-api-key', header('x-goog-api-key')],
  ['mj-api-secret', header('mj-api-secret')],
  ['Sec-WebSocket-Protocol', header('Sec-WebSocket-Protocol', 'realtime, openai-insecure-api-key.')],
  ['?key=', (token) => ({ target: `/v1/x?a=1&key=${token}` })],
  [
    'an encoded ?key=',
    (token) => ({ target: `/v1/x?%6bey=${token.replace('A', '%41').replaceAll('-', '%2D')}` }),
  ],
  ['?key= behind a semicolon', (token) => ({ target: `/v1/x?a=1;key=${token}` })],
]

function read(...carried: ReturnType<Carry>[]) {
  const rawHeaders = ['Host', 'a', 'User-Agent', 'x', ...carried.flatMap((part) => part.rawHeaders ?? [])]
  const target = carried.find((part) => part.target)?.target ?? '/v1/x'
  return readToken(rawHeaders, target, 'https://issuer.example')
}

describe('one key is one token, wherever and however it is written', () => {
  for (const [name, carry] of carriers) {
    test(`${name}: sk-K, K and sk-K-7 read as K`, () => {
      for (const spelling of [key, `sk-${key}`, `${key}-7`, `sk-${key}-7`, `sk-${key}-a-b`]) {
        assert.deepEqual(read(carry(spelling)), { token: key, refusal: null }, spelling)
      }
    })
  }

  test('white space of Unicode around a token makes no other token of it, nor do bytes that are no UTF-8', () => {
    const asBytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
    for (const blank of ['\u0085', '\u00a0', '\u2003', '\u3000']) {
      for (const name of ['Authorization', 'x-api-key', 'x-goog-api-key', 'mj-api-secret']) {
        for (const value of [`${blank}sk-${key}`, `sk-${key}${blank}`, `Bearer ${blank}${key}`]) {
          assert.equal(read(header(name)(asBytes(value))).token, key, JSON.stringify([name, value]))
        }
      }
      const protocol = `a,${blank}openai-insecure-api-key.${key}${blank}`
      assert.equal(read(header('Sec-WebSocket-Protocol')(asBytes(protocol))).token, key)
      assert.equal(read(header('Sec-WebSocket-Protocol')(asBytes(`${blank}sk-${key}`))).token, key)
      assert.equal(read({ target: `/v1/x?key=${encodeURIComponent(blank + key + blank)}` }).token, key)
    }
    assert.equal(read({ target: `/v1/x?key=%73k-${key}-%FF` }).token, key)
    assert.equal(read({ target: `/v1/x?key=sk%2D${key}-%zz` }).token, key)
  })

  test('a whole Sec-WebSocket-Protocol counts when it looks like a token of New API, and only then', () => {
    const carry = header('Sec-WebSocket-Protocol')
    assert.equal(read(carry(`sk-${key}`)).token, key)
    assert.equal(read(carry('realtime')).refusal, 'credential_missing')
    assert.equal(read(carry(`${key}, realtime`)).refusal, 'credential_missing')
  })

  test('any other token is what it is', () => {
    for (const token of [
      'sk-ant-api03-x',
      'AIzaSyA',
      `${key}x`,
      `sk-${key.slice(1)}`,
      'Basic dXNlcg==',
      `SK-${key}`,
    ]) {
      assert.equal(read({ rawHeaders: ['Authorization', token] }).token, token)
    }
  })

  test('whatever two carriers and spellings say, the same key is one token and another is a conflict', () => {
    const carrier = fc.constantFrom(...carriers.map(([, carry]) => carry))
    const spelling = fc.constantFrom(
      ...['', 'sk-'].flatMap((head) => ['', '-1', '-x-y'].map((tail) => [head, tail])),
    )
    const spell = (token: string, [head = '', tail = '']: string[]) => `${head}${token}${tail}`
    fc.assert(
      fc.property(carrier, carrier, spelling, spelling, (first, second, one, two) => {
        const isQuery = first('x').target && second('x').target
        if (isQuery) return
        assert.equal(read(first(spell(key, one)), second(spell(key, two))).token, key)
        const conflict = read(first(spell(key, one)), second(spell(other, two)))
        assert.equal(conflict.refusal, 'conflicting_credentials')
      }),
    )
  })
})

describe('what is refused', () => {
  test('a header or parameter sent twice counts twice', () => {
    const twice = (second: string) => ({ rawHeaders: ['Authorization', key, 'authorization', second] })
    assert.equal(read(twice(`Bearer ${key}`)).token, key)
    assert.equal(read(twice(other)).refusal, 'conflicting_credentials')
    assert.equal(read({ target: `/v1/x?key=${key}&key=${other}` }).refusal, 'conflicting_credentials')
    const protocols = `openai-insecure-api-key.${key}, openai-insecure-api-key.${other}`
    assert.equal(read(header('Sec-WebSocket-Protocol')(protocols)).refusal, 'conflicting_credentials')
  })

  test('no token, an empty one and the placeholder of Midjourney clients are none', () => {
    for (const value of ['', 'Bearer', 'Bearer ', 'midjourney-proxy']) {
      assert.equal(read({ rawHeaders: ['Authorization', value] }).refusal, 'credential_missing', value)
    }
    assert.equal(read({ target: '/v1/x?key=&monkey=1' }).refusal, 'credential_missing')
    const both = { rawHeaders: ['Authorization', 'midjourney-proxy', 'mj-api-secret', key] }
    assert.equal(read(both).token, key)
  })

  const jwt = (payload: object) =>
    ['{"alg":"none"}', JSON.stringify(payload), 'x']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
  const own: [name: string, credential: string][] = [
    ['a managed key', `sp_${'a'.repeat(64)}`],
    ['a broken managed key', 'sp_x'],
    ['the local admin token', 'spadm_x'],
    ['a device token', jwt({ type: 'device_token' })],
    ['an admin token', jwt({ iss: 'sallyport', type: 'admin' })],
    ['a user token of our issuer', jwt({ iss: 'https://issuer.example', sub: 'u' })],
  ]
  for (const [name, credential] of own) {
    test(`${name} is refused in every carrier, also beside a good token`, () => {
      for (const [place, carry] of carriers) {
        assert.equal(read(carry(credential)).refusal, 'wrong_credential', place)
        const beside = { rawHeaders: ['Authorization', key, ...(carry(credential).rawHeaders ?? [])] }
        const target = carry(credential).target
        assert.equal(read({ ...beside, ...(target ? { target } : {}) }).refusal, 'wrong_credential', place)
      }
      assert.equal(read(header('Sec-WebSocket-Protocol')(`a, ${credential}`)).refusal, 'wrong_credential')
    })
  }

  test('a JSON Web Token of somebody else is a token like others', () => {
    for (const payload of [{ iss: 'https://elsewhere.example' }, { type: 'access' }, {}]) {
      assert.equal(read({ rawHeaders: ['Authorization', `Bearer ${jwt(payload)}`] }).refusal, null)
    }
    assert.equal(read({ rawHeaders: ['Authorization', 'a.b.c'] }).token, 'a.b.c')
  })
})

test('what an admin writes down is read as what a client sends', () => {
  for (const text of [key, `sk-${key}-7`, `Bearer sk-${key}`, ` ${key}\n`, `\u3000${key}`]) {
    assert.equal(readWrittenToken(text, null), key, JSON.stringify(text))
  }
  const sent = Buffer.from('zzé', 'utf8').toString('latin1')
  assert.equal(readWrittenToken('zzé', null), read({ rawHeaders: ['x-api-key', sent] }).token)
  for (const text of ['', ' ', 'Bearer ', 'midjourney-proxy', 'sp_x', 'Bearer spadm_x']) {
    assert.equal(readWrittenToken(text, null), null, text)
  }
})

test('a target loses its keys and nothing else', () => {
  const cases: [string, string][] = [
    ['/v1/x', '/v1/x'],
    ['/v1/x?', '/v1/x?'],
    ['/v1/x?key=a', '/v1/x'],
    ['/v1/x?a=%2F&key=a&b=+', '/v1/x?a=%2F&b=+'],
    ['/v1/x?%6Bey=a&keys=b&key', '/v1/x?keys=b&key'],
    ['/v1/x?a=1;key=b&c', '/v1/x?c'],
  ]
  for (const [target, expected] of cases) assert.equal(withoutQueryKeys(target), expected)
})

test('letters that a database may ignore make no second spelling: such a token is refused', () => {
  for (const target of [
    '/v1/x?key=sk-%01abc',
    '/v1/x?key=abc%E2%80%8Bdef',
    '/v1/x?key=%C3%A1bc',
    '/v1/x?key=abc%00',
  ]) {
    assert.equal(readToken([], target, null).refusal, 'malformed_credential', target)
  }
  assert.equal(readToken(['Authorization', 'Basic dXNlcjpwYXNz'], '/', null).token, 'Basic dXNlcjpwYXNz')
})
