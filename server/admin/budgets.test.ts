// Budgets and prices by the admin API: set, shown, taken away; what is malformed or not the admin's is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestGateway } from './test-support.ts'

type Period = { period: string; budget_micros: number | null; spent_micros: number | null }
const periodsOf = (json: Record<string, unknown>) => json.periods as Period[]

test('budgets of a client are set whole, shown with what is spent, and taken away', async (t) => {
  const gateway = await openTestGateway(t)
  await gateway.store.startWork()
  const token = await gateway.signIn()
  const body = { name: 'Acme', email: 'a@acme.com' }
  const created = await gateway.call('POST', '/admin/api/clients', { token, body })
  const { id } = created.json.client as { id: number }
  const path = `/admin/api/clients/${id}/budgets`

  const set = await gateway.call('PUT', path, { token, body: { day_micros: 5_000_000 } })
  assert.equal(set.status, 200)
  assert.deepEqual(
    periodsOf(set.json).map(({ period, budget_micros, spent_micros }) => [
      period,
      budget_micros,
      spent_micros,
    ]),
    [
      ['day', 5_000_000, 0],
      ['month', null, 0],
    ],
  )
  const shown = await gateway.call('GET', `/admin/api/clients/${id}`, { token })
  assert.deepEqual((shown.json.settings as { budgets: unknown }).budgets, {
    day_micros: 5_000_000,
    month_micros: null,
  })
  const none = await gateway.call('PUT', path, { token, body: {} })
  assert.deepEqual(
    periodsOf(none.json).map(({ budget_micros }) => budget_micros),
    [null, null],
  )

  for (const wrong of [{ day_micros: -1 }, { day_micros: 0.5 }, { day_micros: 1e16 }, { week_micros: 1 }]) {
    const refused = await gateway.call('PUT', path, { token, body: wrong })
    assert.equal(refused.status, 400, JSON.stringify(wrong))
    assert.match(JSON.stringify(refused.error), new RegExp(Object.keys(wrong)[0] ?? ''))
  }
  const price = { settings: { prices: { '/api/alert': -1 } } }
  assert.equal((await gateway.call('PATCH', `/admin/api/clients/${id}`, { token, body: price })).status, 400)
  assert.equal((await gateway.call('GET', '/admin/api/clients/999/budgets', { token })).status, 404)
  assert.equal((await gateway.call('PUT', '/admin/api/clients/999/budgets', { token, body: {} })).status, 404)
  assert.equal((await gateway.call('GET', path)).status, 401)
  assert.equal((await gateway.call('PUT', path, { body: {} })).status, 401)
})

test('the price table is shown as it counts', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  const { json, status } = await gateway.call('GET', '/admin/api/prices', { token })
  assert.equal(status, 200)
  assert.deepEqual(json.endpoints, [
    { endpoint: '/api/video/buffer', price_micros: 10_000 },
    { endpoint: '/api/video/analyze', price_micros: 50_000 },
    { endpoint: '/api/alert', price_micros: 100_000 },
  ])
  const models = json.models as { model: string; input_micros: number }[]
  assert.equal(models.find(({ model }) => model === 'gpt-4o')?.input_micros, 2_500_000)
  assert.equal((await gateway.call('GET', '/admin/api/prices')).status, 401)
})
