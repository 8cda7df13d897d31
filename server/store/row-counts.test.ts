// Totals of lists: exact while they are short, at most some seconds old and counted once for all when they are long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createRowCounts } from './row-counts.ts'

/** A table whose count takes 50 ms of the clock. */
function openTable() {
  const clock = createManualClock()
  const table = { rows: 0, counted: 0 }
  const query = async () => {
    table.counted++
    clock.advance(50)
    return { rows: [{ rows: table.rows }], rowCount: 1 }
  }
  // The one statement that is asked of it answers with rows of this shape.
  const countRows = createRowCounts({ query: query as never }, clock)
  return { clock, table, countRows }
}

test('a short list is counted anew each time', async () => {
  const { table, countRows } = openTable()
  for (table.rows = 99_998; table.rows < 100_000; table.rows++) {
    assert.equal(await countRows('bindings'), table.rows)
  }
})

test('a long list is counted again after a hundred times as long as counting takes', async () => {
  const { clock, table, countRows } = openTable()
  table.rows = 1_000_000
  assert.equal(await countRows('bindings'), 1_000_000)
  table.rows++
  clock.advance(4_999)
  assert.equal(await countRows('bindings'), 1_000_000)
  clock.advance(1)
  assert.equal(await countRows('bindings'), 1_000_001)
})

test('another filter, and another value of it, is another list', async () => {
  const { table, countRows } = openTable()
  table.rows = 200_000
  await countRows('bindings', 'where status = $1', ['active'])
  table.rows = 300_000
  assert.equal(await countRows('bindings', 'where status = $1', ['banned']), 300_000)
  assert.equal(await countRows('bindings'), 300_000)
})

test('who asks while it is being counted waits for that count', async () => {
  const { table, countRows } = openTable()
  table.rows = 5
  assert.deepEqual(await Promise.all([countRows('bindings'), countRows('bindings')]), [5, 5])
  assert.equal(table.counted, 1)
})
