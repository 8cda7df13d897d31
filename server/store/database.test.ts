// The pool under failure: no call outlives its deadline, an absent engine is refused at once, and its return is noticed.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { within } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { createDatabase, type OpenDatabase } from './database.ts'
import { EngineAwayError } from './engine-away-error.ts'
import { becomesTrue } from './postmaster.ts'
import { createSilentProxy, type SilentProxy } from './test-proxy.ts'
import { createTestDatabase, silentLogger } from './test-support.ts'

describe('a database that goes away', await needs('postgres'), () => {
  let proxy: SilentProxy
  let database: OpenDatabase
  let drop: () => Promise<void>

  before(async () => {
    const created = await createTestDatabase(`sp_test_database_${process.pid}`)
    drop = created.drop
    const dsn = new URL(created.dsn)
    proxy = await createSilentProxy(dsn.hostname, Number(dsn.port))
    dsn.port = String(proxy.port)
    database = createDatabase({
      target: { connectionString: dsn.href },
      clock: systemClock,
      logger: silentLogger,
    })
  })
  after(async () => {
    proxy.recover()
    await database.close()
    await proxy.close()
    await drop()
  })
  beforeEach(async () => {
    proxy.recover()
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    await database.query('select 1')
  })

  const refusedWithin = (limitMs: number, work: Promise<unknown>) =>
    within('the refusal', assert.rejects(work, EngineAwayError), limitMs)

  test('a silent engine costs one deadline, then every call is refused at once until it answers again', async () => {
    proxy.fallSilent()
    const startedMs = performance.now()
    await refusedWithin(1_500, database.query('select 1', [], { deadlineMs: 300 }))
    assert.ok(performance.now() - startedMs >= 290)
    assert.equal(database.isReachable(), false)
    for (let call = 0; call < 100; call++) await refusedWithin(100, database.query('select 1'))
    await refusedWithin(
      100,
      database.transaction((tx) => tx.query('select 1')),
    )
    proxy.recover()
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    assert.equal((await database.query('select 1')).rowCount, 1)
  })

  test('a hundred calls caught by the silence all end by their deadline, and the pool serves again after', async () => {
    proxy.fallSilent()
    const calls = Array.from({ length: 100 }, () =>
      refusedWithin(2_000, database.query('select 1', [], { deadlineMs: 500 })),
    )
    await Promise.all(calls)
    proxy.recover()
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    const answers = await Promise.all(Array.from({ length: 100 }, () => database.query('select 1')))
    assert.equal(answers.length, 100)
  })

  test('a transaction caught by the silence ends by its deadline and leaves nothing behind', async () => {
    await database.query('create table if not exists kept (id int)')
    const caught = database.transaction(
      async (tx) => {
        await tx.query('insert into kept values (1)')
        proxy.fallSilent()
        await tx.query('insert into kept values (2)')
      },
      { deadlineMs: 400 },
    )
    await refusedWithin(1_500, caught)
    proxy.recover()
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    assert.equal((await database.query('select from kept')).rowCount, 0)
  })

  test('a connection that the server ends is an absence of a moment, not an error of the caller’s statement', async () => {
    const ended = database.query('select pg_terminate_backend(pg_backend_pid())')
    await assert.rejects(ended, EngineAwayError)
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    assert.equal((await database.query('select 1')).rowCount, 1)
  })

  test('work that never ends does not hold its connection longer than the deadline', async () => {
    const endless = Array.from({ length: 25 }, () =>
      refusedWithin(
        30_000,
        database.transaction(() => new Promise<never>(() => undefined), { deadlineMs: 200 }),
      ),
    )
    await Promise.all(endless)
    assert.ok(await becomesTrue(() => database.isReachable(), 30_000))
    assert.equal((await database.query('select 1')).rowCount, 1)
  })
})
