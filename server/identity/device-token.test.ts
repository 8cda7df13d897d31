// Device tokens: one spelling, one algorithm, one set of claims, a known key; anything else is refused.
import assert from 'node:assert/strict'
import { createHmac, createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose/jwt/sign'
import { isDeviceTokenShaped } from './device-token.ts'
import { toSigningKey } from './signing-key.ts'
import { makeClient, makeDevice, newSecret, openRoom } from './test-support.ts'

const secret = newSecret('the signing secret')
const { kid } = toSigningKey(secret)

async function open(t: Parameters<typeof openRoom>[0]) {
  const room = await openRoom(t, { config: { jwtSecret: secret } })
  const { client } = await makeClient(room)
  const { token, deviceId } = await makeDevice(room, client.id)
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >
  return { room, client, token, deviceId, claims }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token signed with the real secret, whatever it says. */
function forge(claims: unknown, header: object = {}, key = secret.reveal()): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT', kid, ...header })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

test('a token has exactly the claims of the contract, and its kid', async (t) => {
  const { room, token, deviceId, client, claims } = await open(t)
  assert.deepEqual(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()), {
    ...{ alg: 'HS256', typ: 'JWT', kid },
  })
  const { jti, iat, exp, ...rest } = claims
  assert.deepEqual(rest, { device_id: deviceId, customer_id: client.external_id, type: 'device_token' })
  assert.match(String(jti), /^\d+\.1\.[A-Za-z0-9_-]{22}$/)
  assert.equal(Number(exp) - Number(iat), 900)
  assert.ok(await room.authenticateDeviceToken(forge(claims)), 'the forge itself makes good tokens')
})

test('every other spelling of a good token is refused, remembered or not', async (t) => {
  const { room, token } = await open(t)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const lastTwins = [...alphabet]
    .map((last) => signature.slice(0, -1) + last)
    .filter((text) => text !== signature)
  const sameBytes = lastTwins.filter((text) =>
    Buffer.from(text, 'base64url').equals(Buffer.from(signature, 'base64url')),
  )
  assert.ok(sameBytes.length > 0, 'there are texts that decode to the same signature')
  const spellings = [
    ...lastTwins.map((text) => `${header}.${payload}.${text}`),
    ...[
      `${token}=`,
      `${token} `,
      ` ${token}`,
      `${token}.`,
      `${token}\n`,
      `${header}.${payload}.${signature}==`,
    ],
    ...[
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}=.${signature}`,
      `${header}..${signature}`,
    ],
    `${header}.${payload.replaceAll('-', '+').replaceAll('_', '/')}\t.${signature}`,
    ...[`${header}.${payload}`, `${header}.${payload}.`, token.toUpperCase()],
  ]
  for (let round = 0; round < 2; round++) {
    for (const text of spellings)
      assert.equal(await room.authenticateDeviceToken(text), null, JSON.stringify(text))
    assert.ok(await room.authenticateDeviceToken(token))
  }
})

test('foreign algorithms, none, unknown and missing key ids are refused', async (t) => {
  const { room, claims, token } = await open(t)
  const key = createSecretKey(Buffer.from(secret.reveal()))
  const signed = (alg: string, header: object = {}) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(key)
  const [, payload = ''] = token.split('.')
  const unsigned = ['none', 'None', 'NONE', 'nOnE'].map((alg) => `${encode({ alg, kid })}.${payload}.`)
  const texts = [
    await signed('HS384'),
    await signed('HS512'),
    ...unsigned,
    forge(claims, { alg: 'HS512' }),
    forge(claims, { alg: 'RS256' }),
    forge(claims, { kid: '00000000' }),
    forge(claims, { kid: undefined }),
    forge(claims, { kid: [kid] }),
    forge(claims, { kid: `${kid}\0` }),
    forge(claims, { kid: '../../dev/null' }),
    forge(claims, { crit: ['exp'] }),
    forge(claims, { b64: false, crit: ['b64'] }),
    forge(claims, { jwk: { kty: 'oct', k: 'AAAA' } }, 'AAAA'),
    forge(claims, {}, 'another secret'),
  ]
  for (const text of texts) assert.equal(await room.authenticateDeviceToken(text), null, text)
})

test('another type, other claims and another device are refused, even well signed', async (t) => {
  const { room, client, claims } = await open(t)
  const other = await makeDevice(room, client.id)
  const { exp, ...unending } = claims
  const wrong: unknown[] = [
    { ...claims, type: 'admin' },
    { ...claims, type: undefined },
    { ...claims, extra: true },
    { ...claims, device_id: other.deviceId },
    { ...claims, customer_id: 'somebody-else' },
    { ...claims, jti: String(claims.jti).replace(/^\d+/, '999') },
    { ...claims, jti: String(claims.jti).replace(/\.1\./, '.2.') },
    { ...claims, jti: String(claims.jti).replace(/\.1\./, '.01.2.') },
    { ...claims, jti: 'x' },
    { ...claims, exp: Math.floor(room.clock.now() / 1000) },
    { ...claims, exp: String(exp) },
    { ...claims, nbf: Number(exp) },
    unending,
    [claims],
    'text',
    null,
  ]
  for (const payload of wrong) {
    assert.equal(await room.authenticateDeviceToken(forge(payload)), null, JSON.stringify(payload))
  }
  assert.ok(await room.authenticateDeviceToken(forge(claims)))
})

test('an API key, an admin’s token and noise are no device tokens, and cost no signature', async (t) => {
  const { room, token } = await open(t)
  const { apiKey } = await makeClient(room)
  const admin = forge({ iss: 'sallyport', type: 'admin', epoch: 1, jti: 'x', exp: 9_999_999_999 })
  for (const text of [apiKey, admin, '', '.', '..', 'a.b.c', `${'A'.repeat(5000)}.e30.e30`, '\ud800.e30.']) {
    assert.equal(isDeviceTokenShaped(text), false, text.slice(0, 50))
    assert.equal(await room.authenticateDeviceToken(text), null)
  }
  assert.equal(isDeviceTokenShaped(token), true)
  assert.equal(await room.authenticateApiKey(token), null)
})
