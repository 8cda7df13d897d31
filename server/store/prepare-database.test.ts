// Start and stop against an external database: it may come up while we wait, refuse us, or vanish before we end.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { needs } from '../../test/support/needs.ts'
import { Secret } from '../lib/secret.ts'
import { createStore } from './create-store.ts'
import { becomesTrue } from './postmaster.ts'
import { createSilentProxy, type SilentProxy } from './test-proxy.ts'
import { createTestPlace, type TestPlace } from './test-support.ts'

/** A place whose database is reached through a proxy that can fall silent; all gone after the test. */
async function placeBehindProxy(t: TestContext): Promise<{ place: TestPlace; proxy: SilentProxy }> {
  const place = await createTestPlace({ kind: 'dsn', redis: false })
  const dsn = new URL(place.dependencies.config.pgDsn?.reveal() ?? '')
  const proxy = await createSilentProxy(dsn.hostname, Number(dsn.port))
  dsn.port = String(proxy.port)
  t.after(async () => {
    await proxy.close()
    await place.remove()
  })
  const config = { ...place.dependencies.config, pgDsn: new Secret(dsn.href) }
  return { place: { ...place, dependencies: { ...place.dependencies, config } }, proxy }
}

describe('a process on an external database', await needs('postgres'), () => {
  test('waits for a database that comes up a little later', async (t) => {
    const { place, proxy } = await placeBehindProxy(t)
    const waited = Promise.withResolvers<void>()
    const logger = { ...place.dependencies.logger, warn: () => waited.resolve() }
    proxy.refuse()
    const starting = createStore({ ...place.dependencies, logger })
    await waited.promise
    proxy.recover()
    const store = await starting
    assert.equal((await store.database.query('select 1')).rowCount, 1)
    await store.close()
  })

  test('ends within seconds although the database has fallen silent', async (t) => {
    const { place, proxy } = await placeBehindProxy(t)
    const store = await createStore(place.dependencies)
    const started = Promise.withResolvers<void>()
    await store.jobs.queue('things', async () => started.resolve())
    await store.startWork()
    await store.database.transaction((tx) => store.jobs.enqueue(tx, 'things', {}))
    await started.promise
    proxy.fallSilent()
    const startedMs = performance.now()
    await store.close()
    assert.ok(performance.now() - startedMs < 15_000, `${performance.now() - startedMs} ms`)
  })

  test('tells of a silent database within two seconds, though nobody asks it anything', async (t) => {
    const { place, proxy } = await placeBehindProxy(t)
    const store = await createStore(place.dependencies)
    proxy.fallSilent()
    assert.ok(await becomesTrue(() => store.health().database.state === 'down', 30_000))
    proxy.recover()
    assert.ok(await becomesTrue(() => store.health().database.state === 'up', 30_000))
    await store.close()
  })

  test('is told at once when the database refuses it, without the password', async () => {
    const place = await createTestPlace({ kind: 'dsn', redis: false })
    const dsn = new URL(place.dependencies.config.pgDsn?.reveal() ?? '')
    dsn.pathname = '/sp_test_there_is_no_such_database'
    dsn.password = 'the-password-itself'
    const config = { ...place.dependencies.config, pgDsn: new Secret(dsn.href) }
    await assert.rejects(createStore({ ...place.dependencies, config }), (error) => {
      assert.ok(error instanceof Error && error.name === 'StoreStartError')
      assert.match(error.message, /refuses us: database .* does not exist\. Check .*PG_DSN/)
      assert.ok(!error.message.includes('the-password-itself'))
      return true
    })
    await place.remove()
  })
})
