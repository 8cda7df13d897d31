// Counters of this process: windows end by the clock, and a flood of keys does not grow them without bound.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createMemoryCounters } from './memory-counters.ts'

test('a window begins with the first increment and ends when its time is over', async () => {
  const clock = createManualClock()
  const counters = createMemoryCounters(clock)
  await counters.increment('key', 1_000)
  clock.advance(999)
  assert.deepEqual(await counters.increment('key', 1_000), { count: 2, resetMs: 1 })
  clock.advance(1)
  assert.deepEqual(await counters.read('key'), { count: 0, resetMs: 0 })
  assert.deepEqual(await counters.increment('key', 1_000), { count: 1, resetMs: 1_000 })
})

test('a flood of keys pushes out the ones used longest ago and no others', async () => {
  const counters = createMemoryCounters(createManualClock())
  await counters.increment('first', 60_000)
  for (let key = 0; key < 100_000; key++) await counters.increment(`flood ${key}`, 60_000)
  assert.equal((await counters.read('first')).count, 0)
  assert.equal((await counters.read('flood 99999')).count, 1)
})
