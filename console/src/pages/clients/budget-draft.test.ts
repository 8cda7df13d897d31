// What is set is shown in the form, and read back the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAmounts } from '../../composables/money.ts'
import { toBudgetDraft } from './budget-draft.ts'

test('each budget stands in its field, and none is an empty one', () => {
  const draft = toBudgetDraft([
    { period: 'day', budget_micros: 5_000_000 },
    { period: 'month', budget_micros: null },
  ])
  assert.deepEqual(draft, { day_micros: '5.00', month_micros: '' })
  assert.deepEqual(readAmounts(draft), { amounts: { day_micros: 5_000_000, month_micros: null }, wrong: [] })
})
