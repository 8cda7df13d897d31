// Migrations with company: any number of processes may start at once, and a newer database is left alone.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { openConnection } from './connection.ts'
import { migrate } from './migrations.ts'
import { createTestDatabase, silentLogger } from './test-support.ts'

describe('migrations', await needs('postgres'), async () => {
  const { dsn, drop } = await createTestDatabase(`sp_test_migrations_${process.pid}`)
  const connection = await openConnection({ connectionString: dsn }, systemClock, 5_000)
  after(async () => {
    connection.destroy()
    await drop()
  })
  const count = async (sql: string) => (await connection.query<{ n: number }>(sql, [], 5_000)).rows[0]?.n

  test('four processes starting at once on an empty database all come up, and each file is applied once', async () => {
    const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const script = `
      const { openConnection } = await import(${from('./connection.ts')})
      const { migrate } = await import(${from('./migrations.ts')})
      const { systemClock } = await import(${from('../lib/clock.ts')})
      const connection = await openConnection({ connectionString: ${JSON.stringify(dsn)} }, systemClock, 10_000)
      await migrate(connection, { info() {} })
      await connection.query('select from installation', [], 5_000)
      connection.destroy()`
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    await Promise.all(Array.from({ length: 4 }, run))
    const applied = await count('select count(*)::int as n from drizzle.__drizzle_migrations')
    const distinct = await count('select count(distinct hash)::int as n from drizzle.__drizzle_migrations')
    assert.ok(applied)
    assert.equal(applied, distinct)
  })

  test('nothing is done where nothing is missing', async () => {
    const before = await count('select count(*)::int as n from drizzle.__drizzle_migrations')
    await migrate(connection, silentLogger)
    assert.equal(await count('select count(*)::int as n from drizzle.__drizzle_migrations'), before)
  })

  test('a database that a newer version has written is refused with the remedy', async () => {
    await connection.query(
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('of a later version', 9999999999999)`,
      [],
      5_000,
    )
    await assert.rejects(migrate(connection, silentLogger), {
      name: 'StoreStartError',
      message: /newer version of Sallyport.*Start the newer version/,
    })
  })
})
