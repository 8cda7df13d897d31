// The tagged map: bounded, and rid of all entries of a tag at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TaggedMap } from './tagged-map.ts'

test('a tag takes its entries with it and leaves the others', () => {
  const map = new TaggedMap<string, number>(10)
  map.set('a', 1, ['red', 'round'])
  map.set('b', 2, ['red'])
  map.set('c', 3, ['round'])
  map.deleteTag('red')
  assert.deepEqual([map.peek('a'), map.peek('b'), map.peek('c')], [undefined, undefined, 3])
  map.deleteTag('round')
  map.deleteTag('never seen')
  assert.equal(map.size, 0)
})

test('an entry stored anew has its new tags only', () => {
  const map = new TaggedMap<string, number>(10)
  map.set('a', 1, ['red'])
  map.set('a', 2, ['blue'])
  map.deleteTag('red')
  assert.equal(map.peek('a'), 2)
})

test('past its bound the entry stored longest ago goes, and its tags with it', () => {
  const map = new TaggedMap<number, number>(3)
  for (let index = 0; index < 10; index++) map.set(index, index, [`tag ${index}`])
  assert.equal(map.size, 3)
  assert.equal(map.peek(6), undefined)
  map.deleteTag('tag 9')
  assert.deepEqual([map.peek(7), map.peek(8), map.peek(9)], [7, 8, undefined])
  map.clear()
  map.deleteTag('tag 8')
  assert.equal(map.size, 0)
})
