// Jobs: once across replicas, kept through an absence of the database, retried on a schedule that lasts a day.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { createDatabase } from './database.ts'
import { createJobs } from './jobs.ts'
import { becomesTrue } from './postmaster.ts'
import { createSilentProxy } from './test-proxy.ts'
import { createMigratedDatabase } from './test-support.ts'

describe('jobs', await needs('postgres'), async () => {
  const created = await createMigratedDatabase(`sp_test_jobs_${process.pid}`)
  const dsn = new URL(created.dsn)
  const proxy = await createSilentProxy(dsn.hostname, Number(dsn.port))
  dsn.port = String(proxy.port)
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const shared = {
    clock: systemClock,
    logger: createLogger({ format: 'json', level: 'debug', destination }),
  }
  const database = createDatabase({ target: { connectionString: dsn.href }, ...shared })
  const replicas = [createJobs({ database, ...shared }), createJobs({ database, ...shared })]
  const [jobs] = replicas
  assert.ok(jobs)
  const done: unknown[] = []
  const attempts: number[] = []
  let isBlocked = true
  const unblock = Promise.withResolvers<void>()
  for (const replica of replicas) {
    await replica.queue<{ n: number }>('numbers', async ({ n }) => void done.push(n))
    await replica.queue('failing', async () => {
      attempts.push(Date.now())
      if (attempts.length < 2) throw new Error('not yet')
    })
    await replica.queue('blocked', async () => {
      if (isBlocked) await unblock.promise
      done.push('unblocked')
    })
    await replica.schedule('each_minute', '* * * * *', async () => undefined)
  }
  for (const replica of replicas) replica.start()
  after(async () => {
    isBlocked = false
    unblock.resolve()
    for (const replica of replicas) await replica.close()
    await database.close()
    await proxy.close()
    await created.drop()
  })

  test('a job runs once with two replicas, and not at all when its transaction is undone', async () => {
    await database
      .transaction(async (tx) => {
        await jobs.enqueue(tx, 'numbers', { n: 0 })
        throw new Error('undone')
      })
      .catch(() => undefined)
    for (let n = 1; n <= 20; n++) await database.transaction((tx) => jobs.enqueue(tx, 'numbers', { n }))
    assert.ok(await becomesTrue(() => done.length >= 20, 30_000))
    assert.deepEqual(
      [...done].map(Number).sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
  })

  test('the same key is added once while it waits or runs', async () => {
    const waiting = () =>
      database.query<{ n: number }>(
        `select count(*) as n from jobs.job where name = 'blocked' and state <= 'active'`,
      )
    for (let round = 0; round < 3; round++)
      await database.transaction((tx) => jobs.enqueue(tx, 'blocked', {}, 'same'))
    assert.equal((await waiting()).rows[0]?.n, 1)
    isBlocked = false
    unblock.resolve()
    while ((await waiting()).rows[0]?.n !== 0);
    await database.transaction((tx) => jobs.enqueue(tx, 'blocked', {}, 'same'))
    assert.equal((await waiting()).rows[0]?.n, 1)
  })

  test('a failed job is tried again after five seconds at most', async () => {
    await database.transaction((tx) => jobs.enqueue(tx, 'failing', {}))
    assert.ok(await becomesTrue(() => attempts.length === 2, 30_000))
    const [first = 0, second = 0] = attempts
    assert.ok(second - first > 1_500, `${second - first} ms`)
    // When it was due, whatever a busy machine made of that; it is looked for every second.
    const { rows } = await database.query<{ due: string }>(
      `select start_after as due from jobs.job where name = 'failing'`,
    )
    const dueMs = new Date(rows[0]?.due ?? 0).getTime() - first
    assert.ok(dueMs > 1_500 && dueMs < 4_500, `${dueMs} ms`)
  })

  test('retries go on for a day, with pauses that grow to an hour and no further', async () => {
    const { rows } = await database.query<Record<string, number>>(
      `select retry_limit, retry_delay, retry_delay_max from jobs.queue where name = 'failing'`,
    )
    const { retry_limit = 0, retry_delay = 0, retry_delay_max = 0 } = rows[0] ?? {}
    let shortestMs = 0
    for (let attempt = 1; attempt <= retry_limit; attempt++)
      shortestMs += Math.min(retry_delay_max, (retry_delay * 2 ** Math.min(16, attempt)) / 2) * 1_000
    assert.equal(retry_delay_max, 3_600)
    assert.ok(shortestMs >= 24 * 3_600_000, `${shortestMs / 3_600_000} h`)
  })

  test('jobs go on by themselves after the database was away, which is no error of theirs', async () => {
    done.length = 0
    lines.length = 0
    proxy.fallSilent()
    await database.query('select 1', [], { deadlineMs: 300 }).catch(() => undefined)
    const told = () => lines.filter((line) => line.includes('the job queue had an error'))
    await eventually('a look for jobs that failed', () => told().length > 0)
    for (const line of told()) assert.match(line, /"level":20.*"error":"EngineAwayError: database is away/)
    proxy.recover()
    // The first to ask may still be given a connection that went silent, and has to ask again.
    const isEnqueued = () =>
      database
        .transaction((tx) => jobs.enqueue(tx, 'numbers', { n: 99 }))
        .then(() => true)
        .catch(() => false)
    await eventually('a job enqueued', isEnqueued)
    await eventually('the job done', () => done.includes(99), 60_000)
  })
})
