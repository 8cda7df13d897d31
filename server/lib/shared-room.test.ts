// Room that many share: bounded for each and for all, given back, and never all taken by a few who are slow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedRoom } from './shared-room.ts'

test('a few that never give back leave room for all others', () => {
  const room = new SharedRoom<number>({ bytesMax: 4_096, holderBytesMax: 1_024 })
  for (let holder = 1; holder <= 8; holder++) {
    for (let turn = 0; turn < 64; turn++) room.open(holder).take(16)
  }
  for (let holder = 100; holder < 110; holder++) {
    assert.equal(room.open(holder).take(2), null, `holder ${holder}`)
  }
})

test('each has its share and no more, and what is given back once can be taken again', () => {
  const room = new SharedRoom<string>({ bytesMax: 1_000, holderBytesMax: 300 })
  const [first, second, other, third] = [room.open('a'), room.open('a'), room.open('b'), room.open('c')]
  assert.equal(first.take(200), null)
  assert.equal(second.take(101), 'too_many_requests')
  assert.equal(second.take(100), null)
  assert.equal(other.take(300), null)
  assert.equal(third.take(201), 'overloaded')
  first.giveBack()
  first.giveBack()
  assert.equal(third.take(201), null)
  assert.equal(first.take(200), 'overloaded')
  other.giveBack()
  assert.equal(first.take(200), null)
})
