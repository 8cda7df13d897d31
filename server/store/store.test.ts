// The storage suite: the same words hold on the embedded server and on an external one, with and without Redis.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { needs } from '../../test/support/needs.ts'
import { Secret } from '../lib/secret.ts'
import { createStore } from './create-store.ts'
import { EngineAwayError } from './engine-away-error.ts'
import { becomesTrue } from './postmaster.ts'
import { createTestStore, storeVariants } from './test-support.ts'

for (const variant of storeVariants) {
  const wanted = await needs(
    ...(variant.kind === 'dsn' ? (['postgres'] as const) : []),
    ...(variant.redis ? (['redis'] as const) : []),
  )
  describe(`on ${variant.kind} PostgreSQL ${variant.redis ? 'with' : 'without'} Redis`, wanted, async () => {
    const store = await createTestStore(variant)
    after(() => store.close())
    const { database } = store
    await database.query('create table things (id bigint primary key, name text)')

    test('columns come as the types that the code expects', async () => {
      const { rows } = await database.query(
        `select 9007199254740991::bigint as big, '{1,null}'::bigint[] as list, '2025-10-01'::date as day,
                timestamptz '2025-10-01 12:00:00Z' as moment, '10.0.0.0/8'::cidr as range`,
      )
      assert.deepEqual(rows[0], {
        big: 9007199254740991,
        list: [1, null],
        day: '2025-10-01',
        moment: new Date('2025-10-01T12:00:00Z'),
        range: '10.0.0.0/8',
      })
      await assert.rejects(database.query('select 9007199254740993::bigint'), RangeError)
    })

    test('a transaction is kept when its work resolves and undone when it throws', async () => {
      await database.transaction((tx) => tx.query('insert into things values (1, $1)', ['kept']))
      const failing = database.transaction(async (tx) => {
        await tx.query('insert into things values (2, $1)', ['undone'])
        throw new Error('changed my mind')
      })
      await assert.rejects(failing, /changed my mind/)
      const { rows } = await database.query('select id from things order by id')
      assert.deepEqual(rows, [{ id: 1 }])
    })

    test('a transaction whose statement failed is never reported as kept, even when the work hides the failure', async () => {
      const hiding = database.transaction(async (tx) => {
        await tx.query('insert into things values (3, null)')
        await tx.query('select no_such_column').catch(() => undefined)
      })
      await assert.rejects(hiding, /rolled back/)
      assert.equal((await database.query('select from things where id = 3')).rowCount, 0)
    })

    test('a finished transaction takes no further statement', async () => {
      const leaked = await database.transaction(async (tx) => tx)
      await assert.rejects(leaked.query('select 1'), /is over/)
    })

    test('the server’s answers to bad statements keep their SQLSTATE and do not count as an absence', async () => {
      await assert.rejects(database.query('select nonsense'), { code: '42703' })
      assert.equal(database.isReachable(), true)
    })

    test('one slow statement misses its deadline without declaring the engine away while others are answered', async () => {
      const slow = database.query('select pg_sleep(30)', [], { deadlineMs: 400 })
      const outcome = assert.rejects(slow, EngineAwayError)
      const running = `select from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'`
      while ((await database.query(running)).rowCount === 0);
      await outcome
      assert.equal(database.isReachable(), true)
    })

    test('a long result comes in batches, and leaving early frees the connection', async () => {
      const sizes: number[] = []
      for await (const rows of database.stream('select generate_series(1, $1::int) as n', [2_500], 1_000))
        sizes.push(rows.length)
      assert.deepEqual(sizes, [1_000, 1_000, 500])
      for (let round = 0; round < 10; round++) {
        for await (const rows of database.stream<{ n: number }>(
          'select generate_series(1, 1000000) as n',
          [],
          10,
        )) {
          assert.equal(rows[0]?.n, 1)
          break
        }
      }
    })

    test('a notice reaches every subscriber after its transaction commits, and never when it is rolled back', async () => {
      const seen: unknown[] = []
      const unsubscribe = store.notices.subscribe('topic', (payload) => seen.push(payload))
      await database
        .transaction(async (tx) => {
          await store.notices.publish(tx, 'topic', 'rolled back')
          throw new Error('no')
        })
        .catch(() => undefined)
      await database.transaction((tx) => store.notices.publish(tx, 'topic', { kept: [1] }))
      await becomesTrue(() => seen.length > 0, 30_000)
      unsubscribe()
      assert.deepEqual(seen, [{ kept: [1] }])
      await assert.rejects(store.notices.publish(database, 'topic', 'x'.repeat(8_000)), RangeError)
    })

    test('counters count within their window, all in one', async () => {
      const counts = await Promise.all(
        Array.from({ length: 50 }, () => store.counters.increment('key', 60_000)),
      )
      assert.deepEqual(counts.map(({ count }) => count).sort((a, b) => a - b)[49], 50)
      assert.equal((await store.counters.increment('key', 60_000, 5)).count, 55)
      const { count, resetMs } = await store.counters.read('key')
      assert.equal(count, 55)
      assert.ok(resetMs > 50_000 && resetMs <= 60_000)
      await store.counters.reset('key')
      assert.equal((await store.counters.read('key')).count, 0)
    })

    test('health tells each engine apart', () => {
      assert.deepEqual(store.health(), {
        database: { state: 'up' },
        redis: { state: variant.redis ? 'up' : 'off' },
        journal: { state: 'up' },
      })
    })
  })
}

describe('the secrets of an installation', await needs('postgres'), async () => {
  const store = await createTestStore({ kind: 'dsn', redis: false })
  after(() => store.close())
  const { config } = store.dependencies
  const openWith = async (changes: Partial<typeof config>) => {
    const opened = await createStore({ ...store.dependencies, config: { ...config, ...changes } })
    await opened.close()
  }

  test('a start with the same secrets is welcome', () => openWith({}))

  test('another pepper is refused by its name', () =>
    assert.rejects(openWith({ pepper: new Secret('another pepper of thirty-two chars') }), {
      name: 'ConfigError',
      message: /^SENTINEL_HMAC_SECRET: /,
    }))

  test('another master key is refused, unless the former one is named as previous', async () => {
    const masterKey = new Secret(Buffer.alloc(32, 7).toString('base64'))
    await assert.rejects(openWith({ masterKey }), { name: 'ConfigError', message: /^MASTER_KEY: / })
    await openWith({ masterKey, masterKeyPrevious: [config.masterKey] })
  })

  test('the stored fingerprints hold no secret', async () => {
    const { rows } = await store.database.query('select * from installation')
    const text = JSON.stringify(rows)
    assert.ok(!text.includes(config.pepper.reveal()) && !text.includes(config.masterKey.reveal()))
  })
})
