// The ledger: every event once whatever happens to process and database, sums to the millionth, nothing of another client.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AppError, type UsageEvent, usageAnswer } from '@sallyport/contract'
import { type Clock, systemClock as clock } from '../lib/clock.ts'
import { openJournal } from '../store/journal.ts'
import { createTestStore, silentLogger, type TestStore } from '../store/test-support.ts'
import { settlement } from './settlement.ts'
import { usageEventOf as eventOf } from './test-support.ts'
import { createUsageLedger, type UsageLedger } from './usage-ledger.ts'
import { pruneUsage } from './usage-retention.ts'

const page = { page: 1, page_size: 20 }
const logger = silentLogger
let store: TestStore
let ledger: UsageLedger

before(async () => {
  store = await createTestStore({ kind: 'dsn', redis: false })
  ledger = await createUsageLedger({ ...store, clock, logger })
  await store.startWork()
})
after(() => store.close())

let lastClient = 0
/** A client that no other test knows. */
const newClient = () => ++lastClient

async function write(...events: UsageEvent[]): Promise<void> {
  for (const event of events) ledger.reserve()?.write(event)
  await store.journal.flushed()
}

describe('what was written', () => {
  test('is read back as it was, newest first, with its sums', async () => {
    const client = newClient()
    const first = eventOf(client, {
      created_at: '2026-11-02T08:00:00.000Z',
      ...{ endpoint: '/proxy/openai/v1/chat/completions', provider: 'openai', model: 'gpt-5' },
      ...{ tokens_in: 12, tokens_out: 0, tokens_cached: 4, unit_price_micros: null, cost_micros: 7 },
      ...{ provider_cost_micros: 5, flags: ['aborted', 'estimated'] },
    })
    const second = eventOf(client, { created_at: '2026-11-02T08:00:00.001Z' })
    await write(first, second)
    const answer = await ledger.list({ ...page, client_id: client })
    assert.deepEqual(answer, {
      ...{ items: [second, first], total: 2, page: 1, page_size: 20 },
      totals: { calls: 2, cost_micros: 100_007 },
      by_endpoint: [
        { endpoint: '/api/alert', calls: 1, cost_micros: 100_000 },
        { endpoint: '/proxy/openai/v1/chat/completions', calls: 1, cost_micros: 7 },
      ],
    })
    usageAnswer.parse(answer)
  })

  test('is one row, also when it is drained twice', async () => {
    const event = eventOf(newClient())
    await write(event, event)
    await write({ ...event, cost_micros: 5 })
    const { items, totals } = await ledger.list({ ...page, client_id: event.client_id })
    assert.deepEqual([items.length, totals.cost_micros], [1, 100_000])
  })

  test('is never changed, whoever tries', async () => {
    const event = eventOf(newClient())
    await write(event)
    const change = 'update usage_events set cost_micros = 0 where client_id = $1'
    await assert.rejects(store.database.query(change, [event.client_id]), /never changed/)
  })

  test('of one client is not in the list or the sums of another', async () => {
    const [one, other] = [newClient(), newClient()]
    await write(eventOf(one), eventOf(other, { cost_micros: 3 }))
    const { items, totals, by_endpoint } = await ledger.list({ ...page, client_id: other })
    assert.deepEqual(
      items.map(({ client_id }) => client_id),
      [other],
    )
    assert.deepEqual([totals, by_endpoint[0]?.cost_micros], [{ calls: 1, cost_micros: 3 }, 3])
    assert.equal(await ledger.spentSince(other, new Date(0)), 3)
  })

  test('is found by a time: from its beginning on, up to the end of a date', async () => {
    const client = newClient()
    const at = (created_at: string) => eventOf(client, { created_at, cost_micros: 1 })
    await write(
      at('2026-11-01T23:59:59.999Z'),
      at('2026-11-02T00:00:00.000Z'),
      at('2026-11-02T23:59:59.999Z'),
    )
    const count = async (from: string, to: string) =>
      (await ledger.list({ ...page, client_id: client, from, to })).total
    assert.equal(await count('2026-11-02', '2026-11-02'), 2)
    assert.equal(await count('2026-11-01', '2026-11-02'), 3)
    assert.equal(await count('2026-11-02T00:00:00Z', '2026-11-02T23:59:59.999Z'), 1)
    await assert.rejects(count('2026-11-03', '2026-11-01'), AppError)
  })

  test('is exported whole and in order', async () => {
    const client = newClient()
    const events = Array.from({ length: 2500 }, (_, index) =>
      eventOf(client, { created_at: new Date(1_760_000_000_000 + index).toISOString() }),
    )
    await write(...events)
    const sizes: number[] = []
    const ids: string[] = []
    for await (const batch of ledger.export({ client_id: client })) {
      sizes.push(batch.length)
      ids.push(...batch.map(({ id }) => id))
    }
    assert.deepEqual(ids, events.map(({ id }) => id).reverse())
    assert.deepEqual(sizes, [1000, 1000, 500])
  })
})

describe('what no ledger could hold', () => {
  test('is made to fit: absurd numbers, endless names, characters that are none', async () => {
    const client = newClient()
    const event = eventOf(client, {
      ...{
        endpoint: `/proxy/openai/${'\u0001'.repeat(5000)}`,
        provider: 'openai',
        model: `a\0b\ud800${'é'.repeat(999)}`,
      },
      ...{ tokens_in: -4, tokens_out: Number.NaN, tokens_cached: Number.POSITIVE_INFINITY, duration_ms: 1.4 },
      ...{ cost_micros: 1e300, status: 99_999 },
    })
    await write(event)
    const { items } = await ledger.list({ ...page, client_id: client })
    const [item] = items
    assert.ok(item)
    assert.deepEqual(
      [item.endpoint.length, item.model?.length, item.model?.slice(0, 4)],
      [256, 128, 'a\ufffdb\ufffd'],
    )
    assert.deepEqual([item.tokens_in, item.tokens_out, item.tokens_cached, item.cost_micros], [0, 0, 0, 0])
    assert.deepEqual([item.duration_ms, item.status], [1, 999])
  })

  test('is left out alone: what came with it stands', async () => {
    const client = newClient()
    const good = Array.from({ length: 9 }, () => eventOf(client))
    const broken = { ...eventOf(client), created_at: 'never' }
    await write(...good.slice(0, 4), broken, ...good.slice(4))
    assert.equal((await ledger.list({ ...page, client_id: client })).total, 9)
  })
})

describe('what a client has spent', () => {
  test('holds what is not drained yet, to the millionth, within its bounds of time', async () => {
    const client = newClient()
    const start = new Date(clock.now() - 1000)
    ledger.reserve()?.write(eventOf(client, { cost_micros: 3 }))
    ledger.reserve()?.write(eventOf(client, { cost_micros: 4, created_at: start.toISOString() }))
    assert.equal(await ledger.spentSince(client, start), 7)
    assert.equal(await ledger.spentSince(client, new Date(start.getTime() + 1)), 3)
    assert.equal(await ledger.spentSince(client, start, new Date(start.getTime() + 1)), 4)
    assert.equal(await ledger.spentSince(client, start, start), 0)
  })

  test('cannot be told while something written cannot be drained', async () => {
    const dead = openJournal({
      ...{ root: join(store.dependencies.config.dataDir, 'other'), bytesMax: 1e7, clock, logger },
    })
    const impatient: Clock = { ...clock, after: (_, run) => clock.after(1, run) }
    const unstarted = await createUsageLedger({ ...store, journal: dead, clock: impatient, logger })
    unstarted.reserve()?.write(eventOf(newClient()))
    await assert.rejects(unstarted.spentSince(1, new Date(0)), { name: 'EngineAwayError' })
    await dead.close()
  })
})

test('a sealed position has every row up to it, and later rows come behind it', async () => {
  const client = newClient()
  await write(eventOf(client))
  const sealed = await store.database.transaction(async (tx) => {
    const position = await ledger.sealPosition(tx)
    ledger.reserve()?.write(eventOf(client))
    const { rows } = await tx.query<{ seq: number }>('select max(seq) as seq from usage_events')
    assert.equal(rows[0]?.seq, position)
    return position
  })
  await store.journal.flushed()
  const { rows } = await store.database.query<{ seq: number }>(
    'select seq from usage_events where client_id = $1 and seq > $2',
    [client, sealed],
  )
  assert.equal(rows.length, 1)
})

test('without room nothing is promised', async () => {
  const place = join(store.dependencies.config.dataDir, 'small')
  const journal = openJournal({ root: place, bytesMax: 16_384, clock, logger })
  const small = await createUsageLedger({ ...store, journal, clock, logger })
  const slots = Array.from({ length: 5 }, () => small.reserve())
  assert.deepEqual(
    slots.map((slot) => slot !== null),
    [true, true, true, true, false],
  )
  slots[0]?.release()
  assert.notEqual(small.reserve(), null)
  await journal.close()
  assert.deepEqual(readdirSync(place), [])
})

test('retention removes what is older than its days, nothing younger, and nothing that is not invoiced', async () => {
  const client = newClient()
  const day = 86_400_000
  const aged = (days: number) =>
    eventOf(client, { created_at: new Date(clock.now() - days * day).toISOString() })
  await write(aged(401), aged(402), aged(399), aged(0))
  const left = async () => {
    await pruneUsage({ ...store, config: { retention: { usage_days: 400 } }, clock, logger })
    return (await ledger.list({ ...page, client_id: client })).total
  }
  assert.equal(await left(), 4)
  const seqUpTo = await store.database.transaction(settlement.sealPosition)
  const before = new Date(clock.now() - 401.5 * day)
  await store.database.transaction((tx) => settlement.take(tx, { before, seqUpTo }))
  assert.equal(await left(), 3)
  await store.database.transaction((tx) => settlement.take(tx, { before: new Date(), seqUpTo }))
  await write(aged(500))
  assert.equal(await left(), 3, 'one was late, and stands on the next invoice')
})
