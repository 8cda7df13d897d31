// User tokens: only live ones of the one issuer, signed by a key that it publishes, in their one spelling.
import assert from 'node:assert/strict'
import { createHmac, KeyObject, randomBytes, sign as signBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { exportSPKI } from 'jose'
import {
  discoveryPath,
  type Issuer,
  type IssuerKey,
  jwksPath,
  makeIssuerKey,
  startIssuer,
} from '../../test/support/issuer.ts'
import { parseIpAddress } from '../lib/ip-address.ts'
import type { CallerIdentity } from './caller-identity.ts'
import { openRoom } from './test-support.ts'

const parsed = parseIpAddress('192.0.2.1')
assert.ok(parsed)
const address = parsed

/** A room that trusts a fresh issuer; tokens are signed at the room's time. */
async function open(t: TestContext, config: { oidcAudience?: string[]; usersNewPerMinute?: number } = {}) {
  const closers: (() => Promise<unknown>)[] = []
  const issuer = await startIssuer({ defer: (close) => closers.push(close) })
  const room = await openRoom(t, {
    config: { oidcIssuer: issuer.url, usersNewPerMinute: 0, ...config },
  })
  t.after(async () => {
    for (const close of closers) await close()
  })
  const sign: Issuer['sign'] = (subject, wishes) =>
    issuer.sign(subject, { issuedAtMs: room.clock.now(), ...wishes })
  const userOf = async (token: string, at: CallerIdentity = room) =>
    (await at.authenticateUserToken(token, address))?.userId ?? null
  return { issuer, room, sign, userOf }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const countJwks = ({ asked }: Issuer) => asked[jwksPath] ?? 0

test('a good token is its user, and its first use makes the client', async (t) => {
  const { room, sign } = await open(t)
  const token = await sign('user_1', { claims: { name: 'Ada', email: 'ada@example.com' } })
  const principal = await room.authenticateUserToken(token, address)
  assert.ok(principal)
  const { kind, clientId, userId, credential, maySpendShared, scopes, isBound } = principal
  assert.deepEqual(
    { kind, userId, credential, maySpendShared, scopes, isBound },
    {
      ...{ kind: 'user', userId: 'user_1', credential: `user:${clientId}`, maySpendShared: false },
      ...{ scopes: null, isBound: false },
    },
  )
  const client = await room.clients.get(clientId)
  assert.equal(client?.name, 'Ada')
  assert.equal(client?.email, 'ada@example.com')
  const again = await room.authenticateUserToken(await sign('user_1'), address)
  assert.equal(again?.clientId, clientId, 'another token of the same user is the same client')
  const other = await room.authenticateUserToken(await sign('user_2'), address)
  assert.notEqual(other?.clientId, clientId)
})

test('expired, unending, foreign and nameless tokens are refused; a minute of leeway is given', async (t) => {
  const { room, sign, userOf } = await open(t, { oidcAudience: ['sallyport', 'portal'] })
  const aud = 'sallyport'
  const now = Math.floor(room.clock.now() / 1000)
  const refused: Record<string, Record<string, unknown>> = {
    'expired more than a minute ago': { exp: now - 61 },
    'without exp': { exp: undefined },
    'exp as text': { exp: String(now + 600) },
    'not yet valid': { nbf: now + 120 },
    'without sub': { sub: undefined },
    'empty sub': { sub: '' },
    'sub with a control character': { sub: 'a\0b' },
    'sub beyond ASCII, of which others could be spellings': { sub: 'us\ud800er' },
    'sub of 256 characters': { sub: 'x'.repeat(256) },
    'sub as number': { sub: 7 },
    'another issuer': { iss: 'https://evil.example' },
    'the issuer in another spelling': { iss: 'HTTP://127.0.0.1' },
    'without issuer': { iss: undefined },
    'another audience': { aud: 'someone-else' },
    'without audience': { aud: undefined },
  }
  for (const [why, claims] of Object.entries(refused)) {
    assert.equal(await userOf(await sign('user_1', { claims: { aud, ...claims } })), null, why)
  }
  assert.equal(await userOf(await sign('user_1', { claims: { aud: ['x', 'portal'] } })), 'user_1')
  const late = await sign('user_1', { claims: { aud, exp: now - 30 } })
  assert.equal(await userOf(late), 'user_1', 'within the leeway')
  room.clock.advance(31_000)
  assert.equal(await userOf(late), null, 'and past it, though it is remembered')
})

test('none, HS256 with the public key, foreign keys and unknown key ids are refused', async (t) => {
  const { issuer, sign, userOf } = await open(t)
  const good = await sign('user_1')
  assert.equal(await userOf(good), 'user_1')
  const [, payload = ''] = good.split('.')
  const { kid, publicKey, jwk } = issuer.current()
  const hmac = (key: string | Buffer, header: object) => {
    const text = `${encode(header)}.${payload}`
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
  const pem = await exportSPKI(publicKey)
  const stranger = await makeIssuerKey(kid)
  const forged = (key: IssuerKey, header: Record<string, unknown> = {}) => sign('user_1', { key, header })
  const texts = {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE'].map((alg) => [alg, `${encode({ alg, kid })}.${payload}.`]),
    ),
    'HS256 with the PEM': hmac(pem, { alg: 'HS256', kid }),
    'HS256 with the JWK': hmac(JSON.stringify(jwk), { alg: 'HS256', kid }),
    'HS256 with x': hmac(Buffer.from(String(jwk.x), 'base64url'), { alg: 'HS256', kid }),
    'HS256 said to be ES256': hmac(pem, { alg: 'ES256', kid }),
    'a stranger under a known id': await forged(stranger),
    'an unknown id': await forged(await makeIssuerKey('key-77')),
    'its own key in the header': await forged(stranger, { jwk: stranger.jwk }),
    'its own keys elsewhere': await forged(stranger, { jku: 'http://127.0.0.1:1/jwks.json' }),
    'a critical extension that nobody knows': signRaw(issuer.current(), { crit: ['exp'] }, payload),
    'an unencoded payload': signRaw(issuer.current(), { crit: ['b64'], b64: false }, payload),
    'another signature': `${good.slice(0, -10)}${randomBytes(8).toString('base64url').slice(0, 10)}`,
  }
  for (const [why, text] of Object.entries(texts)) assert.equal(await userOf(text), null, why)
  assert.equal(await userOf(signRaw(issuer.current(), {}, payload)), 'user_1', 'so the forge makes good ones')
})

/** A token well signed with the key, whatever its header says. */
function signRaw({ kid, alg, privateKey }: IssuerKey, header: object, payload: string): string {
  const text = `${encode({ alg, kid, ...header })}.${payload}`
  const key = { key: KeyObject.from(privateKey), dsaEncoding: 'ieee-p1363' as const }
  return `${text}.${signBytes('sha256', Buffer.from(text), key).toString('base64url')}`
}

test('a symmetric key among the published ones verifies nothing', async (t) => {
  const { issuer, sign, userOf } = await open(t)
  const secret = randomBytes(32)
  const oct = { kty: 'oct', k: secret.toString('base64url'), kid: 'oct-1', alg: 'HS256' }
  issuer.override(jwksPath, (response) => {
    response.end(JSON.stringify({ keys: [oct, issuer.current().jwk] }))
  })
  const good = await sign('user_1')
  const text = `${encode({ alg: 'HS256', kid: 'oct-1' })}.${good.split('.')[1]}`
  const signature = createHmac('sha256', secret).update(text).digest('base64url')
  assert.equal(await userOf(`${text}.${signature}`), null)
  assert.equal(await userOf(good), 'user_1')
})

test('every other spelling of a good token is refused, remembered or not', async (t) => {
  const { issuer, room, userOf } = await open(t)
  // The last letter of a signature of 64 bytes has four bits that base64url leaves unused.
  const token = await issuer.sign('user_1', { issuedAtMs: room.clock.now() })
  const [header = '', payload = '', signature = ''] = token.split('.')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const twins = [...alphabet]
    .map((last) => signature.slice(0, -1) + last)
    .filter((text) => text !== signature)
  const bytes = Buffer.from(signature, 'base64url')
  assert.ok(twins.some((text) => Buffer.from(text, 'base64url').equals(bytes)))
  const spellings = [
    ...twins.map((text) => `${header}.${payload}.${text}`),
    ...[`${token}=`, ` ${token}`, `${token}.`, `${token}\n`, `${header}=.${payload}.${signature}`],
    ...[`${header}.${payload}`, `${header}.${payload}.`, `${header}..${signature}`],
  ]
  for (let round = 0; round < 2; round++) {
    for (const text of spellings) assert.equal(await userOf(text), null, JSON.stringify(text))
    assert.equal(await userOf(token), 'user_1')
  }
})

test('a thousand tokens cost one request for keys, and as many with invented key ids one more', async (t) => {
  const { issuer, sign, userOf } = await open(t)
  const tokens = await Promise.all(Array.from({ length: 1000 }, (_, index) => sign(`user_${index % 20}`)))
  const users = await Promise.all(tokens.map((token) => userOf(token)))
  assert.deepEqual(new Set(users).size, 20)
  assert.ok(!users.includes(null))
  assert.equal(countJwks(issuer), 1)
  assert.equal(issuer.asked[discoveryPath], 1)
  const [, payload = '', signature = ''] = (tokens[0] ?? '').split('.')
  const invented = Array.from(
    { length: 1000 },
    (_, index) => `${encode({ alg: 'ES256', kid: `invented-${index}` })}.${payload}.${signature}`,
  )
  for (const user of await Promise.all(invented.map((token) => userOf(token)))) assert.equal(user, null)
  assert.ok(countJwks(issuer) <= 2, String(countJwks(issuer)))
})

test('a new key works within 30 s, also in a flood of invented ones; a withdrawn one does not within ten minutes', async (t) => {
  const { issuer, room, sign, userOf } = await open(t)
  const old = await sign('user_1', { ttlSeconds: 86_400 })
  assert.equal(await userOf(old), 'user_1')
  const stranger = await makeIssuerKey('invented')
  await issuer.rotate()
  const fresh = await sign('user_1')
  for (let passedMs = 0; passedMs < 30_000; passedMs += 5000) {
    await userOf(await sign('user_1', { key: stranger }))
    room.clock.advance(5000)
  }
  assert.equal(await userOf(fresh), 'user_1')
  assert.equal(await userOf(old), 'user_1', 'the former key is still published')
  assert.ok(countJwks(issuer) <= 5, String(countJwks(issuer)))

  await issuer.rotate(false)
  const before = countJwks(issuer)
  room.clock.advance(600_001)
  // The first call after that notices the age and has the keys fetched beside it.
  await untilRefused(() => userOf(old))
  assert.equal(countJwks(issuer), before + 1)
})

async function untilRefused(call: () => Promise<unknown>): Promise<void> {
  while ((await call()) !== null) await new Promise((resolve) => setImmediate(resolve))
}

test('known keys serve on while the issuer is away, broken or slow; unknown ones are refused', async (t) => {
  const { issuer, room, sign, userOf } = await open(t)
  assert.equal(await userOf(await sign('user_1')), 'user_1')
  await issuer.stop()
  room.clock.advance(3_600_000)
  assert.equal(await userOf(await sign('user_2')), 'user_2', 'new tokens of new users, an hour later')
  assert.equal(await userOf(await sign('user_1', { key: await makeIssuerKey('new') })), null)
  await issuer.start()
  for (const body of ['not json', '[]', '{"keys":7}', '{"keys":[7]}', `{"keys":[]${' '.repeat(600_000)}}`]) {
    issuer.override(jwksPath, (response) => void response.end(body))
    room.clock.advance(3_600_000)
    assert.equal(await userOf(await sign('user_1', { key: await makeIssuerKey('new') })), null)
    assert.equal(await userOf(await sign('user_3')), 'user_3', body.slice(0, 20))
  }
})

test('without any known key the answer is that the issuer is away, and it is asked again soon, not each time', async (t) => {
  const { issuer, room, sign, userOf } = await open(t)
  await issuer.stop()
  const second = await room.openSecond({ oidcIssuer: issuer.url, usersNewPerMinute: 0 })
  const token = await sign('user_1')
  for (let index = 0; index < 20; index++) {
    await assert.rejects(userOf(token, second), { code: 'issuer_unavailable', status: 503 })
  }
  await issuer.start()
  await assert.rejects(userOf(token, second), { code: 'issuer_unavailable' })
  room.clock.advance(10_000)
  assert.equal(await userOf(token, second), 'user_1')
})

test('another issuer’s discovery document and a redirect are not followed', async (t) => {
  const { issuer, room, sign, userOf } = await open(t)
  const token = await sign('user_1')
  assert.equal(await userOf(token), 'user_1')
  const wrong: ((response: Parameters<NonNullable<Parameters<Issuer['override']>[1]>>[0]) => void)[] = [
    (response) =>
      response.end(JSON.stringify({ issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}${jwksPath}` })),
    (response) => response.writeHead(302, { location: discoveryPath }).end(),
    (response) =>
      response.end(
        JSON.stringify({ issuer: issuer.url, jwks_uri: 'http://169.254.169.254/latest/meta-data' }),
      ),
    (response) => response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' })),
  ]
  for (const answer of wrong) {
    issuer.override(discoveryPath, answer)
    const second = await room.openSecond({ oidcIssuer: issuer.url, usersNewPerMinute: 0 })
    await assert.rejects(userOf(token, second), { code: 'issuer_unavailable' })
  }
})

test('without an issuer no token is one of a user', async (t) => {
  const { sign, room } = await open(t)
  const second = await room.openSecond({ oidcIssuer: null })
  const token = await sign('user_1')
  assert.equal(second.isUserTokenShaped(token), false)
  assert.equal(await second.authenticateUserToken(token, address), null)
})

test('every pinned kind of key is taken', async (t) => {
  const { issuer, room, userOf, sign } = await open(t)
  const algorithms = ['RS256', 'RS512', 'PS256', 'ES384', 'ES512', 'EdDSA']
  const keys = await Promise.all(algorithms.map((alg) => makeIssuerKey(`kid-${alg}`, alg)))
  issuer.override(jwksPath, (response) => {
    response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
  })
  room.clock.advance(10_000)
  for (const key of keys)
    assert.equal(await userOf(await sign(`user_${key.alg}`, { key })), `user_${key.alg}`)
})
