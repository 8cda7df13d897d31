// A budget counts what is reserved as used, never leaves less than nothing, and tells when it is tight.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareOf } from './budget-share.ts'

const state = { period: 'day' as const, starts_at: '', ends_at: '', reserved_micros: 0 }

test('what is reserved is used; what is overspent leaves nothing', () => {
  const used = shareOf({ ...state, budget_micros: 100, spent_micros: 30, reserved_micros: 20 })
  assert.deepEqual(used, { budgetMicros: 100, usedMicros: 50, leftMicros: 50, tone: 'plain' })
  const over = shareOf({ ...state, budget_micros: 100, spent_micros: 130 })
  assert.deepEqual([over?.leftMicros, over?.tone], [0, 'danger'])
})

test('four fifths warn, the whole is used up, also where the budget is nothing', () => {
  const tones = [79, 80, 99, 100].map(
    (spent) => shareOf({ ...state, budget_micros: 100, spent_micros: spent })?.tone,
  )
  assert.deepEqual(tones, ['plain', 'warning', 'warning', 'danger'])
  assert.equal(shareOf({ ...state, budget_micros: 0, spent_micros: 0 })?.tone, 'danger')
})

test('without a budget, or while its use is unknown, there is no share', () => {
  assert.equal(shareOf({ ...state, budget_micros: null, spent_micros: 5 }), null)
  assert.equal(shareOf({ ...state, budget_micros: 5, spent_micros: null }), null)
})
