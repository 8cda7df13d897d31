// Totals of lists: exact while they are short, estimated at the first look and counted once for all when they are long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../lib/clock.ts'
import { createRowCounts } from './row-counts.ts'

/** A table whose count takes 50 ms of the clock, and of which the planner thinks what it is told to. */
function openTable() {
  const clock = createManualClock()
  const table = { rows: 0, planned: 0, countMs: 50, counted: 0, explained: 0, answers: Promise.resolve() }
  const query = async (sql: string) => {
    if (sql.startsWith('explain')) {
      table.explained++
      return { rows: [{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': table.planned } }] }], rowCount: 1 }
    }
    table.counted++
    await table.answers
    clock.advance(table.countMs)
    return { rows: [{ rows: table.rows }], rowCount: 1 }
  }
  // The two statements that are asked of it answer with rows of these shapes.
  const counts = createRowCounts({ query: query as never }, clock)
  return { clock, table, counts }
}

const exactly = (rows: number) => ({ rows, isExact: true, isDue: false })
const about = (rows: number) => ({ rows, isExact: false, isDue: true })

test('a short list is counted anew each time', async () => {
  const { table, counts } = openTable()
  for (table.rows = 19_998; table.rows < 20_000; table.rows++) {
    table.planned = table.rows
    assert.equal(await counts.countRows('bindings'), table.rows)
    assert.deepEqual(await counts.expectRows('bindings'), exactly(table.rows))
  }
})

test('a long list is counted again after a hundred times as long as counting takes', async () => {
  const { clock, table, counts } = openTable()
  table.rows = 1_000_000
  assert.equal(await counts.countRows('bindings'), 1_000_000)
  table.rows++
  clock.advance(4_999)
  assert.equal(await counts.countRows('bindings'), 1_000_000)
  clock.advance(1)
  assert.equal(await counts.countRows('bindings'), 1_000_001)
})

test('another filter, and another value of it, is another list', async () => {
  const { table, counts } = openTable()
  table.rows = 200_000
  await counts.countRows('bindings', 'where status = $1', ['active'])
  table.rows = 300_000
  assert.equal(await counts.countRows('bindings', 'where status = $1', ['banned']), 300_000)
  assert.equal(await counts.countRows('bindings'), 300_000)
})

test('who asks while it is being counted waits for that count', async () => {
  const { table, counts } = openTable()
  table.rows = 5
  assert.deepEqual(await Promise.all([counts.countRows('bindings'), counts.countRows('bindings')]), [5, 5])
  assert.equal(table.counted, 1)
})

test('a long list is told by estimate until it has been counted, and again when the count is old', async () => {
  const { clock, table, counts } = openTable()
  table.rows = 1_000_000
  table.planned = 20_000
  assert.deepEqual(await counts.expectRows('bindings'), about(20_000))
  assert.equal(table.counted, 0, 'nobody waits for a count')
  counts.countLater('bindings')
  await turn()
  assert.deepEqual(await counts.expectRows('bindings'), exactly(1_000_000))
  clock.advance(5_000)
  assert.deepEqual(await counts.expectRows('bindings'), about(20_000))
  assert.equal(table.counted, 1)
})

test('who goes on looking at a long list sees no estimate in between, and soon what has changed', async () => {
  const { clock, table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  counts.countLater('bindings')
  await turn()
  const seen: number[] = []
  for (let look = 0; look < 8; look++) {
    table.rows++
    clock.advance(1_000)
    const { rows, isExact, isDue } = await counts.expectRows('bindings')
    assert.ok(isExact)
    if (isDue) counts.countLater('bindings')
    seen.push(rows - 1_000_000)
    await turn()
  }
  assert.deepEqual(seen, [0, 0, 0, 3, 3, 3, 6, 6])
  assert.equal(table.counted, 3, 'the first time and twice again')
})

test('a list that is quickly counted is told exactly from its second look on, whatever the planner thinks', async () => {
  const { clock, table, counts } = openTable()
  Object.assign(table, { rows: 30_000, planned: 30_000, countMs: 20 })
  assert.deepEqual(await counts.expectRows('bindings'), about(30_000))
  counts.countLater('bindings')
  await turn()
  clock.advance(3_600_000)
  table.rows = 3
  assert.deepEqual(await counts.expectRows('bindings'), exactly(3))
  assert.equal(table.explained, 1)
})

test('where the planner expects far too many, the count is remembered all the same', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 3, planned: 1_000_000 })
  counts.countLater('bindings')
  await turn()
  assert.deepEqual(await counts.expectRows('bindings'), exactly(3))
})

test('looks that have read their pages meanwhile do not have a list counted again', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  const looks = [await counts.expectRows('bindings'), await counts.expectRows('bindings')]
  for (const { isDue } of looks) {
    assert.ok(isDue)
    counts.countLater('bindings')
    await turn()
  }
  assert.equal(table.counted, 1)
})

test('one list at a time is counted behind the answers; a failure is forgotten', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  const failing = Promise.withResolvers<void>()
  table.answers = failing.promise
  counts.countLater('bindings')
  counts.countLater('intercepts')
  assert.equal(table.counted, 1)
  failing.reject(new Error('the engine went away'))
  await turn()
  assert.deepEqual(await counts.expectRows('bindings'), about(1_000_000))
  table.answers = Promise.resolve()
  counts.countLater('intercepts')
  await turn()
  assert.deepEqual(await counts.expectRows('intercepts'), exactly(1_000_000))
  assert.equal(table.counted, 2)
})
