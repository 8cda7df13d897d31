// The bounded map: never above its bound, the least recently used entry goes first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedMap } from './bounded-map.ts'

test('the entry used longest ago makes room, and reading keeps an entry', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  assert.equal(map.get('a'), 1)
  map.set('c', 3)
  assert.deepEqual(
    [...map.entries()],
    [
      ['a', 1],
      ['c', 3],
    ],
  )
  assert.equal(map.peek('b'), undefined)
})

test('setting an entry again does not count it twice', () => {
  const map = new BoundedMap<string, number>(2)
  for (let value = 0; value < 100; value++) map.set('a', value)
  map.set('b', 1)
  assert.equal(map.size, 2)
  assert.equal(map.peek('a'), 99)
})
