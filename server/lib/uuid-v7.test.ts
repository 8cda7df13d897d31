// Ids by time: their form, their order, and that no two are equal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUuidV7 } from './uuid-v7.ts'

test('an id has the form of UUID version 7 and holds its time', () => {
  const id = createUuidV7(0x0198_76ab_cdef)
  assert.match(id, /^019876ab-cdef-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('a later id sorts behind an earlier one', () => {
  assert.ok(createUuidV7(1_760_000_000_000) < createUuidV7(1_760_000_000_001))
})

test('ids made at one moment differ', () => {
  const ids = new Set(Array.from({ length: 5000 }, () => createUuidV7(1)))
  assert.equal(ids.size, 5000)
})
