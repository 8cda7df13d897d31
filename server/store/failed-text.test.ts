// A text of several statements that fails half-way must not poison the connection for whoever gets it next.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { createDatabase } from './database.ts'
import { createTestDatabase, silentLogger } from './test-support.ts'

test(
  'after a failed text that had begun a transaction every query of the pool is answered as usual',
  await needs('postgres'),
  async (t) => {
    const { dsn, drop } = await createTestDatabase(`sp_test_text_${process.pid}`)
    const target = { connectionString: dsn }
    const database = createDatabase({ target, clock: systemClock, logger: silentLogger })
    t.after(async () => {
      await database.close()
      await drop()
    })
    for (let round = 0; round < 5; round++) {
      await assert.rejects(database.query('begin; select 1 / 0; commit'), { code: '22012' })
      assert.equal((await database.query('select 1')).rowCount, 1)
    }
  },
)
