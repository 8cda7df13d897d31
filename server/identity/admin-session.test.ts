// Tests of the admin session tokens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { createManualClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createAdminSessions } from './admin-session.ts'

const secret = 'a-secret-of-more-than-32-characters'
const key = new TextEncoder().encode(secret)
const hourMs = 3_600_000

function open() {
  const clock = createManualClock()
  return { clock, sessions: createAdminSessions({ secret: new Secret(secret), clock }) }
}

/** A token that differs from ours only where the test says so. */
function forge(
  clock: { now(): number },
  changes: { claims?: JWTPayload; alg?: string; key?: Uint8Array } = {},
) {
  const nowSeconds = Math.floor(clock.now() / 1000)
  const jti = '0b5d5a3e-6d0c-4f0e-9d55-0f6e5d1e8a11'
  const claims = { iss: 'sallyport', type: 'admin', epoch: 1, jti, iat: nowSeconds, exp: nowSeconds + 3600 }
  return new SignJWT({ ...claims, ...changes.claims })
    .setProtectedHeader({ alg: changes.alg ?? 'HS256' })
    .sign(changes.key ?? key)
}

test('an issued token is good for eight hours, also once it has been remembered', async () => {
  const { clock, sessions } = open()
  const { token, expiresInSeconds } = await sessions.issue(3)
  assert.equal(expiresInSeconds, 8 * 3600)
  assert.equal((await sessions.verify(token))?.epoch, 3)
  clock.advance(8 * hourMs - 1000)
  assert.equal((await sessions.verify(token))?.epoch, 3)
  clock.advance(1000)
  assert.equal(await sessions.verify(token), null)
})

test('a token that was never seen before its end is not good after it', async () => {
  const { clock, sessions } = open()
  const { token } = await sessions.issue(1)
  clock.advance(8 * hourMs)
  assert.equal(await sessions.verify(token), null)
})

test('the forged token of the table below would be good if nothing were changed', async () => {
  const { clock, sessions } = open()
  assert.notEqual(await sessions.verify(await forge(clock)), null)
})

test('another algorithm, issuer, type or secret, and missing claims are refused', async () => {
  const { clock, sessions } = open()
  const otherKey = new TextEncoder().encode('another-secret-of-more-than-32-characters')
  const forged = [
    await forge(clock, { alg: 'HS512' }),
    await forge(clock, { key: otherKey }),
    await forge(clock, { claims: { iss: 'somebody' } }),
    await forge(clock, { claims: { type: 'device_token' } }),
    await forge(clock, { claims: { epoch: undefined } }),
    await forge(clock, { claims: { jti: undefined } as unknown as JWTPayload }),
    await forge(clock, { claims: { exp: undefined } as unknown as JWTPayload }),
    new UnsecuredJWT({ type: 'admin', epoch: 1 }).setIssuer('sallyport').setExpirationTime('1h').encode(),
  ]
  for (const token of forged) assert.equal(await sessions.verify(token), null)
})

test('another spelling of a good token is refused, before and after the good one was seen', async () => {
  const { sessions } = open()
  const { token } = await sessions.issue(1)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? '')
  // 32 bytes leave two unused bits in the last character: these three decode to the same signature.
  const spellings = [1, 2, 3].map((bits) => token.slice(0, -1) + alphabet[last ^ bits])
  spellings.push(`${token}=`, `${token} `, token.replace('.', '.\n'), `${token}.`)
  for (const spelling of spellings) assert.equal(await sessions.verify(spelling), null)
  assert.notEqual(await sessions.verify(token), null)
  for (const spelling of spellings) assert.equal(await sessions.verify(spelling), null)
})

test('what is no token at all is refused', async () => {
  const { sessions } = open()
  for (const text of ['', '..', 'a.b.c', 'x'.repeat(5000)]) assert.equal(await sessions.verify(text), null)
})
