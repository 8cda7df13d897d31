// Voice calls of devices where an engine fails: no call goes on that nobody can stop, and old rows go.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { EngineAwayError, type Queryable } from '../store/store.ts'
import { createTestStore, silentLogger } from '../store/test-support.ts'
import { createVapiCalls } from './vapi-calls.ts'

const caller = { clientId: 1, devicePk: 2, assistants: null }

async function openCalls(test: TestContext, options: { isAway?: (sql: string) => boolean } = {}) {
  const store = await createTestStore({ kind: 'dsn', redis: false })
  test.after(store.close)
  const requests: string[] = []
  const upstream = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.end(request.url === '/start' ? '{"id":"c1"}' : '{}')
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const database: Queryable = {
    async query(sql, values) {
      if (options.isAway?.(sql)) throw new EngineAwayError('database')
      return store.database.query(sql, values)
    },
  }
  const jobs = new Map<string, () => Promise<void>>()
  const calls = await createVapiCalls({
    ...{ database, clock: systemClock, logger: silentLogger },
    config: {
      upstreamConnectTimeoutMs: 1000,
      vapi: { start_path: '/start' },
      retention: { vapi_calls_days: 30 },
    },
    providers: { find: () => ({ baseUrl }), openSharedKey: () => new Secret('vapi-key') },
    jobs: { schedule: async (name, _cron, work) => void jobs.set(name, work) },
  })
  test.after(calls.close)
  return { calls, requests, jobs, database: store.database }
}

test('a call that cannot be written down is ended again, and the device is told to try later', async (t) => {
  const { calls, requests } = await openCalls(t, { isAway: (sql) => sql.includes('insert into vapi_calls') })
  await assert.rejects(calls.start(caller, { assistant_id: 'a1' }), EngineAwayError)
  assert.deepEqual(requests, ['POST /start', 'GET /call/c1', 'PATCH /call/c1'])
})

test('past its retention a call is forgotten, and a younger one is not', async (t) => {
  const { calls, jobs, database } = await openCalls(t)
  await calls.start(caller, { assistant_id: 'a1' })
  await database.query(
    `insert into vapi_calls (call_id, client_id, device_pk, created_at) values ('old', 1, 2, now() - interval '31 days')`,
  )
  await jobs.get('vapi-calls-retention')?.()
  const { rows } = await database.query('select call_id from vapi_calls')
  assert.deepEqual(rows, [{ call_id: 'c1' }])
  await assert.rejects(calls.stop(caller, 'old'), { code: 'not_found' })
})
