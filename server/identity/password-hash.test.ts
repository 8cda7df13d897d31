// Tests of the password digests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, isPasswordCorrect } from './password-hash.ts'

test('a digest opens for its password only, and two digests of one password differ', async () => {
  const first = await hashPassword('correct horse battery')
  const second = await hashPassword('correct horse battery')
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.notEqual(first, second)
  assert.equal(await isPasswordCorrect('correct horse battery', first), true)
  assert.equal(await isPasswordCorrect('correct horse batterz', first), false)
  assert.equal(await isPasswordCorrect('', first), false)
})

test('a digest of the reference implementation is understood, with its own cost', async () => {
  const reference = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  assert.equal(await isPasswordCorrect('password', reference), true)
  assert.equal(await isPasswordCorrect('Password', reference), false)
})

test('two ways to type one letter are one password', async () => {
  assert.equal(
    await isPasswordCorrect('caf\u0065\u0301 au lait', await hashPassword('caf\u00e9 au lait')),
    true,
  )
})

test('what is no argon2id digest opens for nothing', async () => {
  for (const text of [
    '',
    'plain',
    '$2b$10$abcdefghijklmnopqrstuv',
    '$argon2i$v=19$m=256,t=2,p=1$c29tc2FsdA$nf65',
  ]) {
    assert.equal(await isPasswordCorrect('plain', text), false)
  }
})
