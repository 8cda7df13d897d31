// Redis under failure: one second at most, then none; a new generation after every absence; versions against late writers.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { within } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import { EngineAwayError } from './engine-away-error.ts'
import { createMemoryCounters } from './memory-counters.ts'
import { becomesTrue } from './postmaster.ts'
import { connectRedis, type Redis } from './redis.ts'
import { createRedisCounters } from './redis-counters.ts'
import { redisScript } from './redis-script.ts'
import { createSharedCache } from './shared-cache.ts'
import type { SharedCache } from './store.ts'
import { silentLogger } from './test-support.ts'

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function startServer(port: number): Promise<ChildProcess> {
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break
  server.stdout.resume()
  return server
}

describe('Redis', await needs('redis'), async () => {
  const port = await findFreePort()
  let server: ChildProcess
  let redis: Redis
  let other: Redis
  let cache: SharedCache
  const connect = (logger = silentLogger) =>
    connectRedis({
      address: new Secret(`redis://127.0.0.1:${port}`),
      ...{ password: null, prefix: 'test:', clock: systemClock, logger },
    })

  before(async () => {
    server = await startServer(port)
    redis = await connect()
    other = await connect()
    cache = createSharedCache(redis)
  })
  after(async () => {
    redis.close()
    other.close()
    server.kill('SIGCONT')
    server.kill('SIGKILL')
    await once(server, 'close')
  })
  beforeEach(async () => {
    assert.ok(await becomesTrue(() => redis.isUsable() && other.isUsable(), 30_000))
  })

  const fill = async (key: string, version: number, value: string) =>
    cache.fill(key, version, value, (await cache.get(key)).generation)
  const put = async (key: string, version: number, value: string) =>
    cache.put(key, version, value, await cache.markChanging(key))
  const read = async (key: string) => (await cache.get(key)).entry

  test('a late writer never puts an older value over a newer one', async () => {
    await put('a', 5, 'five')
    await fill('a', 4, 'four')
    assert.deepEqual(await read('a'), { version: 5, value: 'five' })
    await cache.put('a', 4, 'four', (await cache.get('a')).generation)
    assert.deepEqual(await read('a'), { version: 5, value: 'five' })
    await put('a', 6, 'six')
    assert.deepEqual(await read('a'), { version: 6, value: 'six' })
  })

  test('between the mark of a change and its end nobody reads and nobody fills', async () => {
    await fill('b', 1, 'one')
    await cache.markChanging('b')
    assert.equal(await read('b'), null)
    await fill('b', 9, 'nine')
    assert.equal(await read('b'), null)
    await cache.put('b', 2, 'two', await cache.markChanging('b'))
    assert.deepEqual(await read('b'), { version: 2, value: 'two' })
  })

  test('what was dropped refuses older fills and gives way to newer ones', async () => {
    await cache.drop('c', 7)
    await fill('c', 6, 'six')
    assert.equal(await read('c'), null)
    await fill('c', 8, 'eight')
    assert.deepEqual(await read('c'), { version: 8, value: 'eight' })
  })

  test('a thousand racing fills and puts end with the newest version', async () => {
    const versions = Array.from({ length: 1_000 }, (_, index) => index + 1).sort(() => Math.random() - 0.5)
    const { generation } = await cache.get('race')
    await Promise.all(
      versions.map((version) =>
        version % 2
          ? cache.fill('race', version, String(version), generation)
          : cache.put('race', version, String(version), generation),
      ),
    )
    assert.deepEqual(await read('race'), { version: 1_000, value: '1000' })
  })

  test('a hanging Redis costs one call a second, then each call nothing, and comes back with a new generation', async () => {
    await put('d', 1, 'before')
    const { generation } = await cache.get('d')
    server.kill('SIGSTOP')
    const startedMs = performance.now()
    await within('the first refusal', assert.rejects(cache.get('d'), EngineAwayError), 1_500)
    assert.ok(performance.now() - startedMs > 900)
    const refuseAll = async () => {
      for (let call = 0; call < 1_000; call++) await assert.rejects(cache.get('d'), EngineAwayError)
    }
    await within('a thousand refusals', refuseAll(), 500)
    server.kill('SIGCONT')
    assert.ok(await becomesTrue(() => redis.isUsable(), 30_000))
    assert.equal(await read('d'), null)
    await cache.fill('d', 9, 'delayed since before', generation)
    await cache.put('d', 9, 'delayed since before', generation)
    assert.equal(await read('d'), null)
  })

  test('a change marked in an earlier generation takes out what others filled in again since', async () => {
    const marked = await cache.markChanging('f')
    const newcomer = await connect()
    const { generation } = await cache.get('f')
    assert.notEqual(generation, marked)
    await cache.fill('f', 1, 'read before the change', generation)
    await cache.put('f', 2, 'changed', marked)
    assert.equal(await read('f'), null)
    await cache.fill('f', 1, 'read before the change', generation)
    assert.equal(await read('f'), null)
    newcomer.close()
  })

  test('a generation that one process begins holds for all', async () => {
    await put('e', 1, 'before')
    const newcomer = await connect()
    assert.equal((await createSharedCache(other).get('e')).entry, null)
    newcomer.close()
  })

  test('counters go on in this process while Redis is away, and are shared again after', async () => {
    const counters = createRedisCounters(redis, createMemoryCounters(systemClock))
    assert.equal((await counters.increment('key', 60_000)).count, 1)
    server.kill('SIGKILL')
    await once(server, 'close')
    assert.ok(await becomesTrue(() => !redis.isUsable(), 30_000))
    assert.equal((await counters.increment('key', 60_000)).count, 1)
    assert.equal((await counters.increment('key', 60_000)).count, 2)
    server = await startServer(port)
    assert.ok(await becomesTrue(() => redis.isUsable(), 30_000))
    assert.equal((await counters.increment('key', 60_000)).count, 1)
  })

  test('what Redis answered with an error is logged as the reason why it is left', async (t) => {
    const lines: string[] = []
    const destination = { write: (line: string) => void lines.push(line) }
    const told = await connect(createLogger({ format: 'json', level: 'warn', destination }))
    t.after(told.close)
    await assert.rejects(told.run(redisScript('return redis.call("nonsense")'), [], []), EngineAwayError)
    assert.match(lines.join(''), /redis is away.*Unknown Redis command/)
    assert.ok(await becomesTrue(() => told.isUsable(), 30_000))
  })

  test('a Redis that is away at start is found when it comes', async () => {
    const nowhere = await findFreePort()
    const early = await connectRedis({
      address: new Secret(`redis://127.0.0.1:${nowhere}`),
      password: null,
      prefix: 'test:',
      clock: systemClock,
      logger: silentLogger,
    })
    assert.equal(early.isUsable(), false)
    const late = await startServer(nowhere)
    assert.ok(await becomesTrue(() => early.isUsable(), 30_000))
    early.close()
    late.kill('SIGKILL')
    await once(late, 'close')
  })
})
