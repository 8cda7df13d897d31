// What a start reads into the memory of the embedded server, and what it leaves alone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { systemClock as clock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { createTestStore, silentLogger, type TestStore } from './test-support.ts'
import { createWarmUp } from './warm-up.ts'

let store: TestStore
before(async () => {
  store = await createTestStore({ kind: 'embedded', redis: false })
})
after(() => store.close())

async function makeTable(name: string, rows: number): Promise<void> {
  await store.database.query(`create table ${name} as select generate_series(1, ${rows}) as id`)
  await store.database.query(`alter table ${name} add primary key (id)`)
}

async function hasExtension(name: string): Promise<boolean> {
  const { rowCount } = await store.database.query('select from pg_extension where extname = $1', [name])
  return rowCount > 0
}

/** Blocks of the table's index, in all and in the server's memory. */
async function indexBlocks(table: string): Promise<{ all: number; inMemory: number }> {
  const { rows } = await store.database.query<{ all: number; inMemory: number }>(
    `select pg_relation_size($1::regclass) / current_setting('block_size')::int as all,
       (select count(*) from pg_buffercache where relfilenode = pg_relation_filenode($1::regclass)) as "inMemory"`,
    [`${table}_pkey`],
  )
  return rows[0] ?? { all: Number.NaN, inMemory: Number.NaN }
}

test('a database with short indexes only is left as it is', async () => {
  await makeTable('short', 10_000)
  await createWarmUp({ database: store.database, clock, logger: silentLogger }).start()
  assert.equal(await hasExtension('pg_prewarm'), false)
})

test('a start reads long indexes whole, and no short ones', async () => {
  const { database } = store
  await makeTable('long', 500_000)
  await database.query('create extension pg_buffercache')
  for (const index of ['long_pkey', 'short_pkey']) {
    await database.query('checkpoint')
    await database.query('select pg_buffercache_evict_relation($1::regclass)', [index])
  }
  assert.equal((await indexBlocks('long')).inMemory, 0)
  await store.startWork()
  await eventually('the long index in memory', async () => {
    const { all, inMemory } = await indexBlocks('long')
    return inMemory === all
  })
  assert.equal((await indexBlocks('short')).inMemory, 0)
})

test('an index that is too long for the memory is not begun with', async () => {
  const asked: string[] = []
  const database: typeof store.database = {
    ...store.database,
    query: (sql, values = []) => {
      asked.push(sql)
      return store.database.query(
        sql.replace("pg_size_bytes(current_setting('shared_buffers'))", '0'),
        values,
      )
    },
  }
  await createWarmUp({ database, clock, logger: silentLogger }).start()
  assert.equal(asked.length, 1)
})

test('a server that refuses is told of once, and the gateway goes on', async () => {
  const lines: string[] = []
  const logger = createLogger({
    format: 'json',
    level: 'info',
    destination: { write: (line: string) => lines.push(line) },
  })
  const database: typeof store.database = {
    ...store.database,
    query: async () => {
      throw new Error('permission denied')
    },
  }
  await createWarmUp({ database, clock, logger }).start()
  logger.flush()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /could not be read into memory.*permission denied/)
})
