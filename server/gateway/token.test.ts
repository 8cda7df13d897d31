// The mask tells tokens apart for people and is never enough to use one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isOwnCredential, maskToken, toCanonicalToken, toDigestedText } from './token.ts'

test('all spellings of one key have one mask', () => {
  const key = `Ab12${'x'.repeat(40)}wxYZ`
  for (const spelling of [key, `sk-${key}`, `sk-${key}-7`]) {
    assert.equal(maskToken(toCanonicalToken(spelling)), 'sk-Ab12...wxYZ')
  }
})

test('a mask shows at most four characters of each end and less of a short token', () => {
  assert.equal(maskToken('AIzaSyA-0123456789xyz'), 'AIza...9xyz')
  assert.equal(maskToken('0123456789ab'), '01...ab')
  assert.equal(maskToken('01234567890'), '...')
})

test('a mask never holds more than a third of a token, and only printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (token) => {
      const mask = maskToken(token)
      assert.match(mask, /^[\x21-\x7e]*$/)
      const shown = mask.length - '...'.length
      assert.ok(shown * 2 <= token.length || shown === 0)
    }),
  )
})

test('a credential of ours, or the name of one, is told from what the downstream issues', () => {
  const own = ['sp_', `sp_${'a'.repeat(64)}`, 'spd_x', 'spadm_x', 'api_key:7', 'device:12', 'user:5']
  for (const token of own) assert.equal(isOwnCredential(token, null), true, token)
  const foreign = ['sk-x', 'spx', 'api_key:', 'api_key:7a', 'xapi_key:7', 'device:', 'device', 'user:me', '']
  for (const token of foreign) assert.equal(isOwnCredential(token, null), false, token)
})

test('a JWT of the issuer of user tokens is one of ours in any spelling, valid or not; one of another issuer is not', () => {
  const issuer = 'https://issuer.example'
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  const toUrl = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  const claims = encode({ iss: issuer, sub: 'a?>~ü?>~' })
  assert.match(claims, /[+/]/)
  const spellings = [
    ...[
      `${toUrl(encode({}))}.${toUrl(claims)}.AAAA`,
      `${encode({})}.${claims}.AAAA`,
      `e30.${toUrl(claims)}.`,
    ],
    ...[`Token e30.${claims}.AAAA`, `JWT  e30.${toUrl(claims)}.AAAA`],
  ]
  for (const token of spellings) {
    assert.equal(isOwnCredential(token, issuer), true, token)
    assert.equal(isOwnCredential(token, 'https://another.example'), false, token)
    assert.equal(isOwnCredential(token, null), false, token)
  }
})

test('a key of New API is digested alike in any letter case, any other token as it is', () => {
  const key = 'Ab12'.repeat(12)
  assert.equal(toDigestedText(key), toDigestedText(key.toUpperCase()))
  assert.equal(toDigestedText('sk-proj-Ab12'), 'sk-proj-Ab12')
})
