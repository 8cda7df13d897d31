// An invoice is overdue from the day after it is due, while it is open.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOverdue } from './overdue.ts'

const open = { kind: 'invoice', state: 'sent', due_on: '2026-03-01' } as const

test('the day on which it is due is in time, the next one is not', () => {
  assert.equal(isOverdue(open, '2026-03-01'), false)
  assert.equal(isOverdue(open, '2026-03-02'), true)
  assert.equal(isOverdue({ ...open, state: 'issued' }, '2026-03-02'), true)
})

test('what is paid or void is never overdue, nor is a credit note', () => {
  assert.equal(isOverdue({ ...open, state: 'paid' }, '2027-01-01'), false)
  assert.equal(isOverdue({ ...open, state: 'void' }, '2027-01-01'), false)
  assert.equal(isOverdue({ ...open, kind: 'credit_note' }, '2027-01-01'), false)
})
