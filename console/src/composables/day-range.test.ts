// Days of the operator become moments.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayEnd, dayStart } from './day-range.ts'

test('a day ends where the next one begins, also at the end of a month', () => {
  assert.equal(dayEnd('2026-01-31'), dayStart('2026-02-01'))
})

test('the moments are those of local midnight', () => {
  assert.equal(dayStart('2026-11-20'), new Date(2026, 10, 20).toISOString())
})

test('no day asks for nothing', () => {
  assert.equal(dayStart(''), undefined)
  assert.equal(dayEnd(''), undefined)
})

test('what is no date goes to the server as it is, to be refused by name', () => {
  assert.equal(dayStart('yesterday'), 'yesterday')
})
