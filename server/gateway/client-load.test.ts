// One client's provider calls never take the room of another's, and everything is given back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '@sallyport/contract'
import { createClientLoad, type Share } from './client-load.ts'

const limits = {
  body_bytes_max: 1000,
  shared_body_bytes_max: 100,
  collected_bytes_max: 450,
  collected_bytes_per_client_max: 150,
  concurrent_per_address_max: 10,
  concurrent_per_client_max: 2,
}

function enter(load: ReturnType<typeof createClientLoad>, clientId: number): Share {
  const share = load.enter(clientId)
  assert.ok(!(share instanceof AppError))
  return share
}

function codeOf(outcome: unknown): string | null {
  return outcome instanceof AppError ? outcome.code : null
}

test('calls at once are counted for each client, and a call that ended makes room', () => {
  const load = createClientLoad(limits)
  const first = enter(load, 1)
  enter(load, 1)
  assert.equal(codeOf(load.enter(1)), 'too_many_requests')
  enter(load, 2)
  first.release()
  enter(load, 1)
})

test('collected bytes are bounded for a client and in all, and come back with the end of the call', () => {
  const load = createClientLoad(limits)
  const [mine, another, third] = [enter(load, 1), enter(load, 2), enter(load, 3)]
  assert.equal(mine.reserve(100), null)
  assert.equal(codeOf(mine.reserve(51)), 'too_many_requests')
  assert.equal(another.reserve(150), null)
  assert.equal(codeOf(third.reserve(101)), 'overloaded')
  mine.release()
  assert.equal(third.reserve(101), null)
})

test('clients whose bodies never end leave room for the bodies of all others', () => {
  const load = createClientLoad(limits)
  for (let clientId = 1; clientId <= 4; clientId++) {
    const share = enter(load, clientId)
    for (let part = 0; part < 150; part++) share.reserve(1)
  }
  const others = Array.from({ length: 10 }, (_, index) => enter(load, 100 + index))
  for (const other of others) assert.equal(other.reserve(1), null)
})
