// Sealed records: only the right key opens them, only in their place, and only unaltered.
import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { openSealed, seal } from './seal.ts'

const key = createSecretKey(randomBytes(32))
const place = 'client 7, openai, 1'

test('a sealed record opens with its key in its place, whatever its bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (plain, anyPlace) => {
      assert.deepEqual(openSealed(key, seal(key, plain, anyPlace), anyPlace), Buffer.from(plain))
    }),
  )
})

test('every flipped bit, every cut and every addition is noticed', () => {
  const sealed = seal(key, 'the provider key', place)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const altered = Buffer.from(sealed)
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.equal(openSealed(key, altered, place), null, `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(openSealed(key, sealed.subarray(0, length), place), null, `${length} bytes`)
  }
  assert.equal(openSealed(key, Buffer.concat([sealed, Buffer.of(0)]), place), null)
})

test('neither another place nor another key opens it', () => {
  const sealed = seal(key, 'the provider key', place)
  assert.equal(openSealed(key, sealed, 'client 8, openai, 1'), null)
  assert.equal(openSealed(createSecretKey(randomBytes(32)), sealed, place), null)
})

test('the same text is sealed differently each time', () => {
  assert.notDeepEqual(seal(key, 'same', place), seal(key, 'same', place))
})
