// Room for bodies that arrive: bounded for one client and for all, given back, and never all taken by a few who are slow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBodyLoad } from './body-load.ts'

const mebibyte = 1024 * 1024

test('clients whose bodies never end leave room for the frames of all others', () => {
  const roomOf = createBodyLoad({ bytesMax: 256 * mebibyte, clientBytesMax: 64 * mebibyte })
  for (let clientId = 1; clientId <= 8; clientId++) {
    for (let body = 0; body < 64; body++) roomOf(clientId).reserve(mebibyte)
  }
  for (let clientId = 100; clientId < 110; clientId++) {
    assert.equal(roomOf(clientId).reserve(mebibyte / 8), null, `client ${clientId}`)
  }
})

test('a client has its own share and no more, and what ends is given back once', () => {
  const roomOf = createBodyLoad({ bytesMax: 1000, clientBytesMax: 300 })
  const [first, second, other] = [roomOf(1), roomOf(1), roomOf(2)]
  assert.equal(first.reserve(200), null)
  assert.equal(second.reserve(101)?.code, 'too_many_requests')
  assert.equal(second.reserve(100), null)
  assert.equal(other.reserve(300), null)
  assert.equal(roomOf(3).reserve(201)?.code, 'overloaded')
  first.release()
  first.release()
  assert.equal(roomOf(3).reserve(201), null)
})
