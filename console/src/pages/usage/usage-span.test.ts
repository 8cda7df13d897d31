// The usage page looks at thirty days unless told otherwise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTooLongByDay, spanOf } from './usage-span.ts'

test('nothing picked means the last thirty days; an end alone the thirty days up to it', () => {
  assert.deepEqual(spanOf({ from: '', to: '' }, '2026-03-01'), { from: '2026-01-31', to: '' })
  assert.deepEqual(spanOf({ from: '', to: '2024-03-01' }, '2026-03-01'), {
    from: '2024-02-01',
    to: '2024-03-01',
  })
})

test('a picked beginning stands, and what is no day is sent as it is', () => {
  assert.deepEqual(spanOf({ from: '2025-01-01', to: '' }, '2026-03-01'), { from: '2025-01-01', to: '' })
  assert.deepEqual(spanOf({ from: '', to: 'soon' }, '2026-03-01'), { from: '', to: 'soon' })
})

test('more than a year is too long to be told by day', () => {
  const today = '2026-03-01'
  assert.equal(isTooLongByDay({ from: '2025-03-01', to: '' }, today), false)
  assert.equal(isTooLongByDay({ from: '2025-02-28', to: '' }, today), true)
  assert.equal(isTooLongByDay({ from: '2025-02-28', to: '2025-12-31' }, today), false)
  assert.equal(isTooLongByDay({ from: 'soon', to: '' }, today), false)
})
