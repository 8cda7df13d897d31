// The wait after a lockout, as a clock shows it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minutesAndSeconds } from './use-countdown.ts'

test('seconds are shown as minutes and seconds', () => {
  assert.deepEqual([0, 9, 60, 754].map(minutesAndSeconds), ['0:00', '0:09', '1:00', '12:34'])
})
