// The audit's before and after, field by field.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffOf } from './diff.ts'

test('changed fields come first and are told apart from the unchanged', () => {
  const fields = diffOf(
    { status: 'active', allowed_ips: ['10.0.0.1'] },
    { status: 'active', allowed_ips: ['10.0.0.1', '10.0.0.2'] },
  )
  assert.deepEqual(fields, [
    { name: 'allowed_ips', before: '10.0.0.1', after: '10.0.0.1, 10.0.0.2', isChanged: true },
    { name: 'status', before: 'active', after: 'active', isChanged: false },
  ])
})

test('a thing that came or went is changed in every field', () => {
  assert.deepEqual(diffOf(null, { id: 1 }), [{ name: 'id', before: '', after: '1', isChanged: true }])
  assert.deepEqual(diffOf({ id: 1 }, null), [{ name: 'id', before: '1', after: '', isChanged: true }])
})

test('null is a value, absence is none', () => {
  assert.deepEqual(diffOf({ url: null }, {}), [{ name: 'url', before: 'null', after: '', isChanged: true }])
})

test('a state that is not an object is one nameless field', () => {
  assert.deepEqual(diffOf('a', 'b'), [{ name: '', before: 'a', after: 'b', isChanged: true }])
})

test('an entry without states has no fields', () => {
  assert.deepEqual(diffOf(null, undefined), [])
})
