// Change notices under failure: what cannot be proven fresh is not fresh, and a gap is always told.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { openConnection } from './connection.ts'
import { createDatabase, type OpenDatabase } from './database.ts'
import { createNotices, type OpenNotices } from './notices.ts'
import { becomesTrue } from './postmaster.ts'
import { createSilentProxy, type SilentProxy } from './test-proxy.ts'
import { createTestDatabase, silentLogger } from './test-support.ts'

describe('change notices', await needs('postgres'), () => {
  let proxy: SilentProxy
  let notices: OpenNotices
  let direct: OpenDatabase
  let drop: () => Promise<void>
  let dsn: string

  before(async () => {
    const created = await createTestDatabase(`sp_test_notices_${process.pid}`)
    drop = created.drop
    dsn = created.dsn
    const url = new URL(dsn)
    proxy = await createSilentProxy(url.hostname, Number(url.port))
    const shared = { clock: systemClock, logger: silentLogger }
    direct = createDatabase({ target: { connectionString: dsn }, ...shared })
    url.port = String(proxy.port)
    notices = createNotices({ target: { connectionString: url.href }, ...shared })
    await notices.start()
  })
  after(async () => {
    notices.close()
    await direct.close()
    await proxy.close()
    await drop()
  })

  test('the channel is fresh once started, and stays so', async () => {
    assert.equal(notices.isFresh(), true)
    assert.equal(await becomesTrue(() => !notices.isFresh(), 1_500), false)
  })

  test('on a connection that falls silent freshness ends within a second, and returns only after the gap was told', async () => {
    const gaps: boolean[] = []
    const seen: unknown[] = []
    notices.subscribe('topic', (payload) => seen.push(payload))
    notices.onGap(() => gaps.push(notices.isFresh()))
    proxy.fallSilent()
    await eventually('the end of freshness', () => !notices.isFresh(), 1_000)
    await notices.publish(direct, 'topic', 'unheard')
    proxy.recover()
    assert.ok(await becomesTrue(() => notices.isFresh(), 30_000))
    assert.deepEqual(gaps, [false])
    await notices.publish(direct, 'topic', 'heard')
    assert.ok(await becomesTrue(() => seen.length > 0, 30_000))
    assert.deepEqual(seen, ['heard'])
  })

  test('a listening session that the server ends is not fresh at that moment, and comes back by itself', async () => {
    const gaps: boolean[] = []
    notices.onGap(() => gaps.push(notices.isFresh()))
    const others = `select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid()`
    await direct.query(others)
    assert.ok(await becomesTrue(() => gaps.length > 0 && notices.isFresh(), 30_000))
    assert.deepEqual(gaps, [false])
  })

  test('a handler that throws, and a text that is not ours, disturb no other notice', async () => {
    const seen: unknown[] = []
    notices.subscribe('loud', () => {
      throw new Error('no')
    })
    notices.subscribe('loud', (payload) => seen.push(payload))
    for (const text of ['', 'not json', '[]', '{"topic":1,"payload":2}'])
      await direct.query('select pg_notify($1, $2)', ['sallyport', text])
    await notices.publish(direct, 'loud', null)
    assert.ok(await becomesTrue(() => seen.length > 0, 30_000))
    assert.deepEqual(seen, [null])
  })

  test('a round trip on the listening connection proves that every notice committed before it has arrived', async () => {
    const listener = await openConnection({ connectionString: dsn }, systemClock, 5_000)
    let received = 0
    listener.client.on('notification', () => received++)
    await listener.query('listen sallyport', [], 5_000)
    for (let sent = 1; sent <= 500; sent++) {
      await notices.publish(direct, 'counted', sent)
      await listener.query('select 1', [], 5_000)
      assert.equal(received, sent)
    }
    listener.destroy()
  })
})
