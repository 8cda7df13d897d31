// A model of billing over random histories: every event on exactly one invoice, to the millionth, whatever the order of things.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatIsoWeek } from '@sallyport/contract'
import fc from 'fast-check'
import { needs } from '../../test/support/needs.ts'
import { createBilling } from './billing.ts'
import { noMail, openBilling, type TestEvent } from './test-support.ts'
import { weekAt } from './week.ts'

const hourMs = 3_600_000
/** Weeks 52 and 53 of 2026, changes of the clock in March 2026 and October 2026. */
const starts = ['2026-12-18T00:00:00Z', '2026-03-20T00:00:00Z', '2026-10-16T00:00:00Z'].map(Date.parse)
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Auckland']

type Step =
  | { kind: 'write'; client: number; hoursAgo: number; costMicros: number; priced: boolean; times: number }
  | { kind: 'wait'; hours: number }
  | { kind: 'run'; weeksAgo: number; allowOpen: boolean; twice: boolean }
  | { kind: 'void'; pick: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      client: fc.nat(2),
      hoursAgo: fc.oneof(fc.nat(5), fc.nat(600)),
      costMicros: fc.nat(2_000_000),
      priced: fc.boolean(),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 200 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      weeksAgo: fc.nat(3),
      allowOpen: fc.boolean(),
      twice: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('void' as const), pick: fc.nat(20) }) },
)

describe('billing over random histories', await needs('postgres'), () => {
  test('every event stands on exactly one invoice, and the lines add up to the events', async (t) => {
    const room = await openBilling(t, { nowMs: starts[0] ?? 0 })
    const { database, clock, store, record } = room
    const history = fc.record({
      zone: fc.constantFrom(...zones),
      start: fc.constantFrom(...starts),
      steps: fc.array(step, { minLength: 3, maxLength: 25 }),
    })
    await fc.assert(
      fc.asyncProperty(history, async ({ zone, start, steps }) => {
        await database.query(
          'truncate usage_events, usage_settled, usage_settled_floor, invoices, invoice_lines, clients restart identity cascade',
        )
        clock.advance(start - clock.now())
        const billing = await createBilling({
          ...{ config: { billing: { ...room.config, time_zone: zone } }, store, clock, notify: noMail },
          ...room.parts,
        })
        const clients = [await room.makeClient('A'), await room.makeClient('B'), await room.makeClient('C')]
        const written: TestEvent[] = []
        const run = async (nowMs: number, allowOpen: boolean) => {
          const week = formatIsoWeek(weekAt(nowMs, zone))
          await billing
            .run({ week, dry_run: false, allow_open: allowOpen }, record)
            .catch((error: { code?: string }) => assert.equal(error.code, 'week_open'))
        }
        for (const next of steps) {
          if (next.kind === 'wait') clock.advance(next.hours * hourMs)
          if (next.kind === 'write') {
            const { client, hoursAgo, costMicros, priced, times } = next
            const event = {
              ...{ clientId: clients[client] ?? 0, at: clock.now() - hoursAgo * hourMs, costMicros, times },
              ...(priced
                ? { endpoint: `/api/${costMicros % 2}` }
                : { provider: 'openai', model: `m${costMicros % 3}`, unitPriceMicros: null }),
            }
            written.push(event)
            await room.write(event)
          }
          if (next.kind === 'run') {
            const weekMs = clock.now() - next.weeksAgo * 168 * hourMs
            for (let time = 0; time < (next.twice ? 2 : 1); time++) await run(weekMs, next.allowOpen)
          }
          if (next.kind === 'void') {
            const { items } = await billing.list({ page: 1, page_size: 200 })
            const open = items.filter(({ kind, state }) => kind === 'invoice' && state !== 'void')
            const picked = open[next.pick % Math.max(1, open.length)]
            if (picked) await billing.void(picked.number, record)
          }
        }
        // In the end everything that is left is billed.
        clock.advance(700 * hourMs)
        await run(clock.now() - 200 * hourMs, false)
        await check(billing, clients, written)
      }),
      { numRuns: Number(process.env.SALLYPORT_HISTORIES ?? 15) },
    )
  })
})

async function check(
  billing: Awaited<ReturnType<typeof createBilling>>,
  clients: readonly number[],
  written: readonly TestEvent[],
): Promise<void> {
  const { items } = await billing.list({ page: 1, page_size: 200 })
  const invoices = items.filter(({ kind }) => kind === 'invoice')
  for (const clientId of clients) {
    const own = invoices.filter(({ client_id }) => client_id === clientId)
    const events = written.filter((event) => event.clientId === clientId)
    const calls = events.reduce((sum, { times = 1 }) => sum + times, 0)
    const cost = events.reduce((sum, { times = 1, costMicros }) => sum + times * costMicros, 0)
    const lines = own.flatMap((invoice) => invoice.lines)
    assert.equal(
      own.reduce((sum, invoice) => sum + invoice.calls, 0),
      calls,
    )
    assert.equal(
      own.reduce((sum, invoice) => sum + invoice.total_micros, 0),
      cost,
    )
    assert.equal(
      lines.reduce((sum, line) => sum + line.quantity, 0),
      calls,
    )
    assert.equal(
      lines.reduce((sum, line) => sum + line.total_micros, 0),
      cost,
    )
    assert.equal(new Set(own.map(({ week }) => week)).size, own.length, 'once for each week')
    for (const { quantity, unit_price_micros: price, total_micros: total } of lines)
      if (price !== null) assert.equal(quantity * price, total)
  }
  for (const week of new Set(items.map((item) => item.week))) {
    const numbers = items
      .filter((item) => item.week === week)
      .map(({ number }) => number)
      .sort()
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => `${week}-${String(index + 1).padStart(3, '0')}`),
    )
  }
}
