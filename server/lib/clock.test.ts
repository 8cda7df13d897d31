// The manual clock: timers fall due in order, as time is moved.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from './clock.ts'

test('timers run in the order of their time, periods again and again, cancelled ones never', () => {
  const clock = createManualClock(1000)
  const seen: string[] = []
  clock.after(30, () => seen.push(`late ${clock.now()}`))
  clock.every(10, () => seen.push(`each ${clock.monotonicMs()}`))
  clock.after(5, () => seen.push('never')).cancel()
  clock.advance(25)
  clock.advance(5)
  assert.deepEqual(seen, ['each 10', 'each 20', 'late 1030', 'each 30'])
})
