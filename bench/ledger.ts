// P11: how fast one process writes usage events to its journal, and how fast it drains them into the embedded PostgreSQL.
import assert from 'node:assert/strict'
import { systemClock as clock } from '../server/lib/clock.ts'
import { createStore } from '../server/store/store.ts'
import { createTestPlace, silentLogger as logger } from '../server/store/test-support.ts'
import { usageEventOf } from '../server/usage/test-support.ts'
import { createUsageLedger } from '../server/usage/usage-ledger.ts'
import type { Scope } from '../test/support/scope.ts'
import { atLeast, type ResultRow } from './report.ts'
import { median } from './rounds.ts'

const eventsPerRound = 100_000
const rounds = 3
const clients = 100
const journalBytesMax = 1024 * 1024 * 1024

export async function measureLedger(scope: Scope): Promise<ResultRow[]> {
  const place = await createTestPlace({ kind: 'embedded', redis: false })
  scope.defer(place.remove)
  const { config } = place.dependencies
  const store = await createStore({
    ...place.dependencies,
    config: { ...config, journal: { bytes_max: journalBytesMax } },
  })
  scope.defer(store.close)
  // What is written before the work begins waits, so that nothing but the drain is measured.
  const ledger = await createUsageLedger({ ...store, clock, logger })
  const writes = await write(ledger)
  const drains = [
    await timeOf(async () => {
      await store.startWork()
      await store.journal.flushed()
    }),
  ]
  for (let round = 1; round < rounds; round++) {
    drains.push(
      await timeOf(async () => {
        await write(ledger)
        await store.journal.flushed()
      }),
    )
  }
  const { rows } = await store.database.query<{ count: number }>('select count(*) from usage_events')
  assert.equal(rows[0]?.count, rounds * eventsPerRound)
  const [waiting = 0, ...beside] = drains
  return [
    { id: 'P11', figure: 'usage events drained/s', ...atLeast(waiting, 20_000, 0) },
    { id: 'P11', figure: 'usage events written and drained/s', ...atLeast(median(beside), 20_000, 0) },
    {
      id: 'P11',
      figure: 'usage events written to the journal/s',
      goal: '',
      measured: writes.toFixed(0),
      met: null,
    },
  ]
}

/** Answers how many were written a second. */
async function write(ledger: Awaited<ReturnType<typeof createUsageLedger>>): Promise<number> {
  return await timeOf(() => {
    for (let count = 0; count < eventsPerRound; count++) {
      const slot = ledger.reserve()
      assert.ok(slot, 'no room')
      slot.write(eventOf(count))
    }
  })
}

function eventOf(count: number) {
  return usageEventOf((count % clients) + 1, {
    ...{ endpoint: '/proxy/openai/v1/chat/completions', provider: 'openai', model: 'gpt-5', status: 200 },
    ...{ tokens_in: 812, tokens_out: count % 4096, tokens_cached: 0, unit_price_micros: null },
    ...{ cost_micros: count % 10_000, provider_cost_micros: count % 10_000 },
  })
}

/** Events a second of a round. */
async function timeOf(work: () => Promise<void> | void): Promise<number> {
  const startedMs = performance.now()
  await work()
  return (eventsPerRound * 1000) / (performance.now() - startedMs)
}
