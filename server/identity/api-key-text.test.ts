// Texts of issued credentials: enough random bits, a checksum that tells slips, a mask that gives nothing away.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isApiKeyShaped, isApiKeyText, makeApiKey, makeDeviceSecret, maskApiKey } from './api-key-text.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

test('a key is sp_ and 64 letters and digits, and no two are alike', () => {
  const keys = Array.from({ length: 1000 }, () => makeApiKey().reveal())
  for (const key of keys) assert.match(key, /^sp_[0-9A-Za-z]{64}$/)
  assert.equal(new Set(keys).size, keys.length)
  assert.ok(keys.every(isApiKeyText))
  const used = new Set(keys.flatMap((key) => [...key.slice(3, 61)]))
  assert.equal(used.size, alphabet.length)
})

test('any one character typed wrong, and any two swapped neighbours, are told without the database', () => {
  const position = fc.integer({ min: 3, max: 66 })
  fc.assert(
    fc.property(position, fc.constantFrom(...alphabet), (at, wrong) => {
      const key = makeApiKey().reveal()
      const typed = key.slice(0, at) + wrong + key.slice(at + 1)
      assert.equal(isApiKeyText(typed), typed === key)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 65 }), (at) => {
      const key = makeApiKey().reveal()
      const typed = `${key.slice(0, at)}${key.charAt(at + 1)}${key.charAt(at)}${key.slice(at + 2)}`
      assert.equal(isApiKeyText(typed), typed === key)
    }),
  )
})

test('what is longer, shorter or dressed up is no key, but still meant as one', () => {
  const key = makeApiKey().reveal()
  for (const text of [
    `${key}0`,
    key.slice(0, -1),
    `${key} `,
    `${key}\n`,
    key.replace('sp_', 'sp_ '),
    'sp_',
  ]) {
    assert.equal(isApiKeyText(text), false, JSON.stringify(text))
    assert.equal(isApiKeyShaped(text), true)
  }
  assert.equal(isApiKeyShaped(makeDeviceSecret().reveal()), false)
  assert.equal(isApiKeyShaped(`sk-${key}`), false)
})

test('a mask shows four characters of each end', () => {
  const key = makeApiKey()
  const text = key.reveal()
  assert.equal(maskApiKey(key), `sp_${text.slice(3, 7)}...${text.slice(-4)}`)
})
