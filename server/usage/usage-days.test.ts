// Usage by day: every event on exactly one day of the zone, also where a day has 23 or 25 hours; nothing of another client.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { usageDaysAnswer } from '@sallyport/contract'
import { systemClock } from '../lib/clock.ts'
import { createTestStore, type TestStore } from '../store/test-support.ts'
import { addEvents, usageEventOf } from './test-support.ts'
import { createUsageDays } from './usage-days.ts'

const nowMs = Date.parse('2026-11-02T12:00:00Z')
const clock = { ...systemClock, now: () => nowMs }
let store: TestStore
before(async () => {
  store = await createTestStore({ kind: 'dsn', redis: false })
})
after(() => store.close())

async function record(clientId: number, ...times: string[]): Promise<void> {
  const events = times.map((created_at) => usageEventOf(clientId, { created_at, cost_micros: 7 }))
  await store.database.transaction((tx) => addEvents(tx, events))
}

const daysIn = (timeZone: string) => createUsageDays({ database: store.database, timeZone, clock })

test('each event is on the day of the zone, through the hour that comes twice', async () => {
  const times = ['2026-10-24T21:59:59.999Z', '2026-10-24T22:00:00.000Z', '2026-10-25T22:59:59.999Z']
  await record(1, ...times, '2026-10-25T23:00:00.000Z')
  await record(2, '2026-10-25T12:00:00.000Z')
  const answer = await daysIn('Europe/Berlin')({ client_id: 1, from: '2026-10-24', to: '2026-10-27' })
  assert.deepEqual(answer, {
    time_zone: 'Europe/Berlin',
    days: [
      { date: '2026-10-24', calls: 1, cost_micros: 7 },
      { date: '2026-10-25', calls: 2, cost_micros: 14 },
      { date: '2026-10-26', calls: 1, cost_micros: 7 },
      { date: '2026-10-27', calls: 0, cost_micros: 0 },
    ],
  })
  usageDaysAnswer.parse(answer)
  const all = await daysIn('Europe/Berlin')({ from: '2026-10-25', to: '2026-10-25' })
  assert.deepEqual(all.days, [{ date: '2026-10-25', calls: 3, cost_micros: 21 }])
})

test('a day whose midnight does not exist is one day', async () => {
  await record(3, '2018-11-04T02:59:59.999Z', '2018-11-04T03:00:00.000Z')
  const { days } = await daysIn('America/Sao_Paulo')({ client_id: 3, from: '2018-11-03', to: '2018-11-05' })
  assert.deepEqual(
    days.map(({ date, calls }) => [date, calls]),
    [
      ['2018-11-03', 1],
      ['2018-11-04', 1],
      ['2018-11-05', 0],
    ],
  )
})

test('the last thirty days are shown unless told otherwise; what is no span is refused', async () => {
  const days = daysIn('UTC')
  const { days: preset } = await days({ client_id: 4 })
  assert.deepEqual([preset.length, preset[0]?.date, preset.at(-1)?.date], [30, '2026-10-04', '2026-11-02'])
  assert.equal((await days({ from: '2025-11-02' })).days.length, 366)
  await assert.rejects(days({ from: '2025-11-01' }), { code: 'malformed_request' })
  await assert.rejects(days({ from: '2026-11-03' }), { code: 'malformed_request' })
})
