// How many bindings there are, as the dashboard tells it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database, ExpectedRows, List } from '../store/store.ts'
import { createBindingStore } from './binding-store.ts'

test('the dashboard does not wait for many bindings to be counted: it says that it estimates, and has them counted', async () => {
  const expected: Record<string, ExpectedRows> = {
    active: { rows: 990_000, isExact: false, isDue: true },
    banned: { rows: 9, isExact: true, isDue: false },
  }
  const counted: string[] = []
  const statusOf = ({ conditions }: List) => String(conditions.values[0])
  const database: Pick<Database, 'expectRows' | 'countLater'> = {
    expectRows: async (list) => expected[statusOf(list)] ?? assert.fail(),
    countLater: (list) => counted.push(statusOf(list)),
  }
  // Nothing else is asked of it.
  const store = createBindingStore(database as Database)
  const counts = { total: 990_009, active: 990_000, banned: 9 }
  assert.deepEqual(await store.counts(), { ...counts, is_estimate: true })
  assert.deepEqual(counted, ['active'])
  expected.active = { rows: 990_000, isExact: true, isDue: false }
  assert.deepEqual(await store.counts(), counts)
  assert.equal(counted.length, 1)
})
