// Bytes are told in the unit that keeps them short.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteSizeOf } from './byte-size.ts'

test('each size is told in the largest unit of which there is at least one, small ones in kilobytes', () => {
  assert.deepEqual(byteSizeOf(0), { value: 0, unit: 'kilobyte' })
  assert.deepEqual(byteSizeOf(123), { value: 0.123, unit: 'kilobyte' })
  assert.deepEqual(byteSizeOf(1000), { value: 1, unit: 'kilobyte' })
  assert.deepEqual(byteSizeOf(12_500_000), { value: 12.5, unit: 'megabyte' })
  assert.deepEqual(byteSizeOf(2 ** 30), { value: 1.073741824, unit: 'gigabyte' })
  assert.deepEqual(byteSizeOf(5e15), { value: 5000, unit: 'terabyte' })
})

test('nothing is written as a thousand of a unit', () => {
  assert.deepEqual(byteSizeOf(999_600), { value: 0.9996, unit: 'megabyte' })
})
