// Times of last use: written in batches, once for a row however often it was used, and again after a failure.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createLastUsed } from './last-used.ts'
import { silentLogger } from './test-support.ts'

test('a row used often is written once a period, and a batch that failed is tried again', async () => {
  const clock = createManualClock()
  const written: [ids: readonly number[], at: number][] = []
  let isAway = true
  const write = async (ids: readonly number[], at: Date) => {
    if (isAway) throw new Error('away')
    written.push([ids, at.getTime()])
  }
  const database = {
    untilBack: async () => {
      isAway = false
    },
  }
  const uses = createLastUsed({ write, database, component: 'test', clock, logger: silentLogger })
  const row = { id: 7, touched: false }
  for (let index = 0; index < 5; index++) uses.touch(row)
  clock.advance(5000)
  await uses.flush()
  assert.equal(row.touched, true)
  isAway = false
  uses.touch(row)
  clock.advance(5000)
  await uses.flush()
  assert.deepEqual(written, [[[7], clock.now()]])
  assert.equal(row.touched, false)
  uses.touch(row)
  isAway = true
  await uses.close()
  assert.equal(written.length, 2, 'what waits is written at the end, when the engine is back')
})
