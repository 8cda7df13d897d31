// Totals of lists: exact while they are short, estimated at the first look and counted once for all when they are long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../lib/clock.ts'
import { createConditions } from './conditions.ts'
import { createRowCounts } from './row-counts.ts'
import type { List } from './store.ts'

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

function listOf(table: string, status?: string): List {
  const conditions = createConditions()
  if (status !== undefined) conditions.add((value) => `status = ${value}`, status)
  return { table, conditions }
}

const exactly = (rows: number) => ({ rows, isExact: true, isDue: false })
const about = (rows: number) => ({ rows, isExact: false, isDue: true })

test('a short list is counted anew each time', async () => {
  const { table, counts } = openTable()
  for (table.rows = 19_998; table.rows < 20_000; table.rows++) {
    table.planned = table.rows
    assert.equal(await counts.countRows(listOf('bindings')), table.rows)
    assert.deepEqual(await counts.expectRows(listOf('bindings')), exactly(table.rows))
  }
})

test('a long list is counted again after a hundred times as long as counting takes', async () => {
  const { clock, table, counts } = openTable()
  table.rows = 1_000_000
  assert.equal(await counts.countRows(listOf('bindings')), 1_000_000)
  table.rows++
  clock.advance(4_999)
  assert.equal(await counts.countRows(listOf('bindings')), 1_000_000)
  clock.advance(1)
  assert.equal(await counts.countRows(listOf('bindings')), 1_000_001)
})

test('another filter, and another value of it, is another list', async () => {
  const { table, counts } = openTable()
  table.rows = 200_000
  await counts.countRows(listOf('bindings', 'active'))
  table.rows = 300_000
  assert.equal(await counts.countRows(listOf('bindings', 'banned')), 300_000)
  assert.equal(await counts.countRows(listOf('bindings')), 300_000)
})

test('who asks while it is being counted waits for that count', async () => {
  const { table, counts } = openTable()
  table.rows = 5
  assert.deepEqual(
    await Promise.all([counts.countRows(listOf('bindings')), counts.countRows(listOf('bindings'))]),
    [5, 5],
  )
  assert.equal(table.counted, 1)
})

test('a long list is told by estimate until it has been counted, and again when the count is old', async () => {
  const { clock, table, counts } = openTable()
  table.rows = 1_000_000
  table.planned = 20_000
  assert.deepEqual(await counts.expectRows(listOf('bindings')), about(20_000))
  assert.equal(table.counted, 0, 'nobody waits for a count')
  counts.countLater(listOf('bindings'))
  await turn()
  assert.deepEqual(await counts.expectRows(listOf('bindings')), exactly(1_000_000))
  clock.advance(5_000)
  assert.deepEqual(await counts.expectRows(listOf('bindings')), about(20_000))
  assert.equal(table.counted, 1)
})

test('who goes on looking at a long list sees no estimate in between, and soon what has changed', async () => {
  const { clock, table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  counts.countLater(listOf('bindings'))
  await turn()
  const seen: number[] = []
  for (let look = 0; look < 8; look++) {
    table.rows++
    clock.advance(1_000)
    const { rows, isExact, isDue } = await counts.expectRows(listOf('bindings'))
    assert.ok(isExact)
    if (isDue) counts.countLater(listOf('bindings'))
    seen.push(rows - 1_000_000)
    await turn()
  }
  assert.deepEqual(seen, [0, 0, 0, 3, 3, 3, 6, 6])
  assert.equal(table.counted, 3, 'the first time and twice again')
})

test('a list that is quickly counted is told exactly from its second look on, whatever the planner thinks', async () => {
  const { clock, table, counts } = openTable()
  Object.assign(table, { rows: 30_000, planned: 30_000, countMs: 20 })
  assert.deepEqual(await counts.expectRows(listOf('bindings')), about(30_000))
  counts.countLater(listOf('bindings'))
  await turn()
  clock.advance(3_600_000)
  table.rows = 3
  assert.deepEqual(await counts.expectRows(listOf('bindings')), exactly(3))
  assert.equal(table.explained, 1)
})

test('where the planner expects far too many, the count is remembered all the same', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 3, planned: 1_000_000 })
  counts.countLater(listOf('bindings'))
  await turn()
  assert.deepEqual(await counts.expectRows(listOf('bindings')), exactly(3))
})

test('looks that have read their pages meanwhile do not have a list counted again', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  const looks = [await counts.expectRows(listOf('bindings')), await counts.expectRows(listOf('bindings'))]
  for (const { isDue } of looks) {
    assert.ok(isDue)
    counts.countLater(listOf('bindings'))
    await turn()
  }
  assert.equal(table.counted, 1)
})

test('one list at a time is counted behind the answers; a failure is forgotten', async () => {
  const { table, counts } = openTable()
  Object.assign(table, { rows: 1_000_000, planned: 1_000_000 })
  const failing = Promise.withResolvers<void>()
  table.answers = failing.promise
  counts.countLater(listOf('bindings'))
  counts.countLater(listOf('intercepts'))
  await turn()
  assert.equal(table.counted, 1)
  failing.reject(new Error('the engine went away'))
  await turn()
  assert.deepEqual(await counts.expectRows(listOf('bindings')), about(1_000_000))
  table.answers = Promise.resolve()
  counts.countLater(listOf('intercepts'))
  await turn()
  assert.deepEqual(await counts.expectRows(listOf('intercepts')), exactly(1_000_000))
  assert.equal(table.counted, 2)
})

/** A million rows, of which the planner rightly expects that `beyond` are below the line; each count takes 50 ms. */
function openLine(beyond: number) {
  const clock = createManualClock()
  const counted: string[] = []
  const query = async (sql: string) => {
    const rows = sql.includes('<') ? beyond : sql.includes('>=') ? 1_000_000 - beyond : 1_000_000
    if (sql.startsWith('explain')) return { rows: [{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': rows } }] }] }
    counted.push(sql.replace('select count(*) as rows from things ', ''))
    clock.advance(50)
    return { rows: [{ rows }] }
  }
  const conditions = createConditions()
  conditions.add(
    (value) => `height >= ${value}`,
    7,
    (value) => `height < ${value}`,
  )
  const above = { table: 'things', conditions }
  return { clock, counted, above, counts: createRowCounts({ query: query as never }, clock) }
}

test('a filter that leaves out few rows is counted by these, and for as long as the list without it', async () => {
  const { clock, counted, above, counts } = openLine(40_000)
  assert.equal(await counts.countRows(above), 960_000)
  assert.deepEqual(counted, ['', 'where height < $1'])
  assert.equal(await counts.countRows(listOf('things')), 1_000_000)
  clock.advance(2_500)
  assert.deepEqual(await counts.expectRows(above), { rows: 960_000, isExact: true, isDue: true })
  counts.countLater(above)
  await turn()
  assert.deepEqual(await counts.expectRows(above), exactly(960_000))
  assert.deepEqual(counted.slice(2), ['', 'where height < $1'], 'both are counted again')
})

test('a filter that leaves out many rows is counted by those that it takes', async () => {
  const { counted, above, counts } = openLine(50_000)
  assert.equal(await counts.countRows(above), 950_000)
  assert.deepEqual(counted, ['where height >= $1'])
})
