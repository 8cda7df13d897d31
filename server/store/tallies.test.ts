// Sums with reservations in both of their homes: what was reserved is taken out again, also an item that may cost nothing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Need, needs } from '../../test/support/needs.ts'
import { createTestStore, type TestStoreOptions } from './test-support.ts'

const homes: readonly { name: string; wanted: readonly Need[]; options: TestStoreOptions }[] = [
  { name: 'memory', wanted: ['postgres'], options: { kind: 'dsn', redis: false } },
  { name: 'Redis', wanted: ['postgres', 'redis'], options: { kind: 'dsn', redis: true } },
]

for (const { name, wanted, options } of homes) {
  describe(`tallies in ${name}`, await needs(...wanted), () => {
    test('an item that was refused while it joined a round costs nothing, and the tally goes on', async (t) => {
      const { tallies, close } = await createTestStore(options)
      t.after(close)
      const [refused, open] = [0, 30].map((amount) => ({ member: 'one', id: `item ${amount}`, amount }))
      assert.ok(refused && open)
      await tallies.begin('key', 'round')
      await tallies.join('key', 'round', { member: 'one', open: [refused, open], settled: [] })
      assert.equal(await tallies.complete('key', 'round', 50, 60_000), true)
      assert.deepEqual(await tallies.settle(refused, ['key'], true), [{ key: 'key', settled: 50 }])
      assert.deepEqual(await tallies.read('key'), { settled: 50, reserved: 30 })
      assert.deepEqual(await tallies.settle({ ...open, amount: 20 }, ['key'], false), [
        { key: 'key', settled: 70 },
      ])
      assert.deepEqual(await tallies.read('key'), { settled: 70, reserved: 0 })
    })
  })
}
