// Budgets in one process: used up exactly, never over, right after a kill, at the turn of a period and when they change.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createTestPlace, type TestPlace } from '../store/test-support.ts'
import { createFindPeriod } from './budget-period.ts'
import type { MeteredTarget } from './metering-types.ts'
import { callOf, cent, codeOf, done, openCall, openMany, openRoom, type Room } from './test-support/rooms.ts'

let lastClient = 0
const newClient = () => ++lastClient

type ProviderTarget = Extract<MeteredTarget, { kind: 'provider' }>

function modelCall(changes: Partial<ProviderTarget> = {}): ProviderTarget {
  return {
    kind: 'provider',
    endpoint: '/proxy/openai/v1/chat/completions',
    provider: 'openai',
    pricedBy: 'token',
    model: 'gpt-4o-2024-08-06',
    isOwnKey: false,
    ceiling: { inputBytes: 1_000, outputTokens: 100, choices: 2 },
    ...changes,
  }
}

describe('a budget in one process', () => {
  let place: TestPlace
  let room: Room
  before(async () => {
    place = await createTestPlace({ kind: 'dsn', redis: false })
    room = await openRoom(place)
  })
  after(async () => {
    await room.close()
    await place.remove()
  })

  const periods = (clientId: number, budgets: { day_micros?: number; month_micros?: number }) =>
    room.usage.budgets.describe(clientId, budgets)
  const newest = async (clientId: number) =>
    (await room.usage.events.list({ client_id: clientId, page: 1, page_size: 1 })).items[0]
  const flush = (clientId: number) => room.usage.events.spentSince(clientId, new Date(0))

  test('a call that uses it exactly up passes, one millionth less does not', async () => {
    const exact = callOf(newClient(), { day_micros: cent })
    const opened = await openCall(room, exact)
    opened.settle(done)
    assert.equal(await codeOf(room, exact), 'budget_exceeded')
    assert.equal(await codeOf(room, callOf(newClient(), { month_micros: cent - 1 })), 'budget_exceeded')
    assert.equal(await codeOf(room, callOf(newClient(), { day_micros: 0 })), 'budget_exceeded')
  })

  test('day and month hold both, and what was cancelled or failed costs nothing', async () => {
    const clientId = newClient()
    const budgets = { day_micros: 3 * cent, month_micros: 2 * cent }
    const call = callOf(clientId, budgets)
    const [first, second] = [await openCall(room, call), await openCall(room, call)]
    assert.equal(await codeOf(room, call), 'budget_exceeded')
    first.cancel()
    second.settle({ ...done, status: 502 })
    assert.deepEqual(
      (await periods(clientId, budgets)).map(({ spent_micros, reserved_micros }) => [
        spent_micros,
        reserved_micros,
      ]),
      [
        [0, 0],
        [0, 0],
      ],
    )
    assert.equal(await codeOf(room, call), 'passed')
  })

  test('a model’s call reserves its most and settles to its cost', async () => {
    const clientId = newClient()
    // 1,000 bytes in at 2.5 and twice 100 out at 10 millionths a token.
    const budgets = { day_micros: 4_500 }
    const opened = await openCall(room, callOf(clientId, budgets, modelCall()))
    assert.equal((await periods(clientId, budgets))[0]?.reserved_micros, 4_500)
    const tokens = { tokensIn: 100, tokensOut: 50, tokensCached: 40 }
    opened.settle({ ...done, tokens, model: 'gpt-4o-2024-08-06' })
    assert.deepEqual((await periods(clientId, budgets))[0]?.spent_micros, 150 + 50 + 500)
    assert.equal(await codeOf(room, callOf(clientId, { day_micros: 4_499 }, modelCall())), 'budget_exceeded')
    await flush(clientId)
    const event = await newest(clientId)
    assert.deepEqual(
      [event?.cost_micros, event?.provider_cost_micros, event?.unit_price_micros, event?.tokens_cached],
      [700, 700, null, 40],
    )
  })

  test('what is unknown of a call counts as the model’s own limits', async () => {
    const ceiling = { inputBytes: null, outputTokens: null, choices: 1 }
    const most = 128_000 * 2.5 + 16_384 * 10
    const call = (micros: number) => callOf(newClient(), { day_micros: micros }, modelCall({ ceiling }))
    assert.equal(await codeOf(room, call(most)), 'passed')
    assert.equal(await codeOf(room, call(most - 1)), 'budget_exceeded')
  })

  test('absurd usage is cut and flagged; a model without a price is refused on the shared key only', async () => {
    const clientId = newClient()
    const opened = await openCall(room, callOf(clientId, null, modelCall()))
    opened.settle({ ...done, tokens: { tokensIn: -5, tokensOut: 1e18, tokensCached: Number.NaN } })
    await flush(clientId)
    const event = await newest(clientId)
    assert.deepEqual(
      [event?.tokens_in, event?.tokens_out, event?.tokens_cached, event?.flags],
      [0, 2 * 16_384, 0, ['bounded']],
    )
    const unknown = modelCall({ model: 'nobody-knows-it' })
    assert.equal(await codeOf(room, callOf(clientId, null, unknown)), 'model_not_priced')
    assert.equal(await codeOf(room, callOf(clientId, null, { ...unknown, isOwnKey: true })), 'passed')
    assert.equal(await codeOf(room, callOf(clientId, null, modelCall({ model: null }))), 'passed')
  })

  test('an own key costs nothing here, and what the provider takes stands beside it', async () => {
    const clientId = newClient()
    const target = modelCall({ isOwnKey: true, model: null })
    const opened = await openCall(room, callOf(clientId, { day_micros: 1 }, target))
    const tokens = { tokensIn: 1_000, tokensOut: 10, tokensCached: 0 }
    opened.settle({ ...done, tokens, model: 'gpt-4o' })
    await flush(clientId)
    const event = await newest(clientId)
    assert.deepEqual(
      [event?.cost_micros, event?.provider_cost_micros, event?.model, event?.flags],
      [0, 2_600, 'gpt-4o', ['own_key']],
    )
  })

  test('nothing is waited for without a budget, nor with one once its counter is known', async () => {
    const clientId = newClient()
    assert.ok(!(room.usage.meter.open(callOf(clientId)) instanceof Promise))
    const budgeted = callOf(clientId, { day_micros: 100 * cent })
    assert.equal(await codeOf(room, budgeted), 'passed')
    assert.ok(!(room.usage.meter.open(budgeted) instanceof Promise))
  })

  test('a budget that comes later counts what was spent and what is open by then', async () => {
    const clientId = newClient()
    const open = await Promise.all(Array.from({ length: 5 }, () => openCall(room, callOf(clientId))))
    for (const call of open.slice(0, 3)) call.settle(done)
    await room.usage.budgets.forget(clientId)
    const call = callOf(clientId, { day_micros: 6 * cent })
    const { passed, codes } = await openMany([room], call, 10)
    assert.deepEqual([passed.length, codes], [1, ['budget_exceeded']])
    for (const one of [...open, ...passed]) one.settle(done)
    assert.equal((await periods(clientId, { day_micros: 1 }))[0]?.spent_micros, 6 * cent)
    // Taken away and given back: what was called in between is not forgotten.
    const between = await openCall(room, callOf(clientId))
    between.settle(done)
    assert.equal((await periods(clientId, { day_micros: 1 }))[0]?.spent_micros, 7 * cent)
  })

  test('the warning comes once, when four fifths are spent', async () => {
    const clientId = newClient()
    const call = callOf(clientId, { day_micros: 10 * cent })
    const warningsOf = () => room.warnings.filter((warning) => warning.clientId === clientId)
    for (let spent = 1; spent <= 10; spent++) {
      const opened = await openCall(room, call)
      opened.settle(done)
    }
    await waitUntil(() => warningsOf().length > 0)
    assert.deepEqual(
      warningsOf().map(({ period, spentMicros, budgetMicros }) => [period, spentMicros, budgetMicros]),
      [['day', 8 * cent, 10 * cent]],
    )
  })
})

test('counters are made anew from ledger and journal by the next process', async (t) => {
  const place = await createTestPlace({ kind: 'dsn', redis: false })
  t.after(place.remove)
  const call = callOf(1, { day_micros: 100 * cent })
  const first = await openRoom(place)
  const { passed } = await openMany([first], call, 70)
  for (const one of passed) one.settle(done)
  await first.close()
  const second = await openRoom(place)
  t.after(second.close)
  assert.equal((await openMany([second], call, 100)).passed.length, 30)
})

describe('periods', () => {
  const at = (text: string) => Date.parse(text)
  const hours = ({ startMs, endMs }: { startMs: number; endMs: number }) => (endMs - startMs) / 3_600_000

  test('a day begins at midnight of its zone and has 23 or 25 hours when the clocks change', () => {
    const find = createFindPeriod('Europe/Berlin')
    assert.equal(find('day', at('2026-07-01T22:00:00Z')).startMs, at('2026-07-01T22:00:00Z'))
    assert.equal(find('day', at('2026-07-01T21:59:59.999Z')).startMs, at('2026-06-30T22:00:00Z'))
    assert.equal(hours(find('day', at('2026-03-29T12:00:00Z'))), 23)
    assert.equal(hours(find('day', at('2026-10-25T12:00:00Z'))), 25)
    assert.equal(hours(find('month', at('2026-03-15T12:00:00Z'))), 31 * 24 - 1)
  })

  test('days follow each other without a gap, also where midnight does not exist', () => {
    for (const zone of ['America/Santiago', 'Africa/Cairo', 'Asia/Beirut', 'Pacific/Apia', 'UTC']) {
      const find = createFindPeriod(zone)
      let day = find('day', at('2026-01-01T12:00:00Z'))
      for (let count = 0; count < 730; count++) {
        const next = find('day', day.endMs)
        assert.equal(next.startMs, day.endMs, `${zone} ${new Date(day.endMs).toISOString()}`)
        assert.ok(hours(next) >= 23 && hours(next) <= 25)
        day = next
      }
    }
  })

  test('a call belongs to the day in which it began, and the next day has its whole budget', async (t) => {
    const place = await createTestPlace({ kind: 'dsn', redis: false })
    t.after(place.remove)
    const clock = createManualClock(at('2026-10-25T22:59:59Z'))
    const room = await openRoom(place, { clock, timeZone: 'Europe/Berlin' })
    t.after(room.close)
    const budgets = { day_micros: 2 * cent, month_micros: 3 * cent }
    const call = callOf(1, budgets)
    const evening = (await openMany([room], call, 3)).passed
    assert.equal(evening.length, 2)
    clock.advance(1_000)
    const morning = await openMany([room], call, 3)
    assert.deepEqual([morning.passed.length, morning.codes], [1, ['budget_exceeded']])
    for (const one of [...evening, ...morning.passed]) one.settle(done)
    const [day, month] = await room.usage.budgets.describe(1, budgets)
    assert.deepEqual([day?.spent_micros, month?.spent_micros], [cent, 3 * cent])
    assert.equal(day?.starts_at, '2026-10-25T23:00:00.000Z')
  })
})

async function waitUntil(isMet: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isMet() && waitedMs < 20_000; waitedMs += 10) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
