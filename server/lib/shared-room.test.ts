// Room that many share: bounded for each and for all, given back, and never all taken by a few who are slow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedRoom } from './shared-room.ts'

test('a few that never give back leave room for all others', () => {
  const room = new SharedRoom<number>({ bytesMax: 4_096, holderBytesMax: 1_024 })
  for (let holder = 1; holder <= 8; holder++) {
    for (let turn = 0; turn < 64; turn++) room.take(holder, 16)
  }
  for (let holder = 100; holder < 110; holder++) assert.equal(room.take(holder, 2), null, `holder ${holder}`)
})

test('each has its share and no more, and what is given back can be taken again', () => {
  const room = new SharedRoom<string>({ bytesMax: 1_000, holderBytesMax: 300 })
  assert.equal(room.take('a', 200), null)
  assert.equal(room.take('a', 101), 'for holder')
  assert.equal(room.take('a', 100), null)
  assert.equal(room.take('b', 300), null)
  assert.equal(room.take('c', 201), 'for all')
  room.giveBack('a', 200)
  assert.equal(room.take('c', 201), null)
  assert.equal(room.take('a', 200), 'for all')
  room.giveBack('b', 300)
  assert.equal(room.take('a', 200), null)
})
