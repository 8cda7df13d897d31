// Tests of the usage list of all clients and its CSV export.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageAnswer, UsageDaysAnswer } from '@sallyport/contract'
import { addEvents, usageEventOf } from '../usage/test-support.ts'
import { openTestGateway } from './test-support.ts'

const path = '/admin/api/usage'

test('the admin reads all clients, or one', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  const events = [usageEventOf(1), usageEventOf(2), usageEventOf(2)]
  await gateway.database.transaction((tx) => addEvents(tx, events))
  const totals = async (query: string) => {
    const answer = await gateway.call('GET', path + query, { token })
    assert.equal(answer.status, 200, answer.text)
    return (answer.json as UsageAnswer).totals
  }
  assert.deepEqual(await totals(''), { calls: 3, cost_micros: 300_000 })
  assert.deepEqual(await totals('?client_id=2'), { calls: 2, cost_micros: 200_000 })
  assert.deepEqual(await totals('?client_id=3'), { calls: 0, cost_micros: 0 })
  assert.deepEqual(await totals('?from=2099-01-01'), { calls: 0, cost_micros: 0 })
})

test('the list, its sums, the days and the export are narrowed alike', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  const byModel = { endpoint: '/proxy/openai/v1/responses', provider: 'openai', model: 'gpt-5' }
  const events = [
    usageEventOf(1),
    usageEventOf(1, { ...byModel, status: 200 }),
    usageEventOf(1, { ...byModel, status: 429 }),
    usageEventOf(2, { ...byModel, model: 'gpt-5-mini', status: 0 }),
  ]
  await gateway.database.transaction((tx) => addEvents(tx, events))
  for (const [query, calls] of [
    ['endpoint=/api/alert', 1],
    ['provider=openai', 3],
    ['provider=openai&model=gpt-5', 2],
    ['model=gpt', 0],
    ['outcome=answered', 2],
    ['outcome=failed', 2],
    ['client_id=1&provider=openai&outcome=failed', 1],
  ] as const) {
    const list = (await gateway.call('GET', `${path}?${query}`, { token })).json as UsageAnswer
    const { days } = (await gateway.call('GET', `${path}/days?${query}`, { token })).json as UsageDaysAnswer
    const { text } = await gateway.call('GET', `${path}/export?${query}`, { token })
    const counts = [list.items.length, list.totals.calls, days.at(-1)?.calls, text.split('\r\n').length - 2]
    assert.deepEqual([query, ...counts], [query, calls, calls, calls, calls])
  }
  assert.equal((await gateway.call('GET', `${path}?outcome=unknown`, { token })).status, 400)
})

test('the days add up to the totals, of all clients or of one', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  const events = [usageEventOf(1), usageEventOf(2), usageEventOf(2)]
  await gateway.database.transaction((tx) => addEvents(tx, events))
  for (const [query, calls] of [
    ['', 3],
    ['?client_id=2', 2],
  ] as const) {
    const answer = await gateway.call('GET', `${path}/days${query}`, { token })
    const { days } = answer.json as UsageDaysAnswer
    assert.deepEqual([days.length, days.reduce((sum, day) => sum + day.calls, 0)], [30, calls])
  }
  assert.equal((await gateway.call('GET', `${path}/days`)).status, 401)
  for (const query of [
    'client_id=acme',
    'from=1',
    'from=2026-02-01T00:00:00Z',
    'from=2026-02-01&to=2026-01-01',
  ])
    assert.equal((await gateway.call('GET', `${path}/days?${query}`, { token })).status, 400, query)
})

test('both routes need the admin, and refuse what they do not know', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  for (const route of [path, `${path}/export`]) {
    assert.equal((await gateway.call('GET', route)).status, 401)
    for (const query of ['client_id=acme', 'from=1', 'status=200', 'from=2026-02-01&to=2026-01-01']) {
      const answer = await gateway.call('GET', `${route}?${query}`, { token })
      assert.deepEqual([route, query, answer.status], [route, query, 400])
    }
  }
})

test('the export has a header row, empty cells for what is not known, and no formula', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  const event = usageEventOf(7, { model: '=1+1', tokens_in: 3, flags: ['aborted', 'estimated'] })
  await gateway.database.transaction((tx) => addEvents(tx, [event, usageEventOf(8)]))
  const answer = await gateway.call('GET', `${path}/export?client_id=7`, { token })
  assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.match(
    answer.headers.get('content-disposition') ?? '',
    /^attachment; filename="usage-[\d-]{10}\.csv"$/,
  )
  assert.deepEqual(answer.text.split('\r\n'), [
    'id,created_at,request_id,client_id,credential,endpoint,provider,model,method,status,duration_ms,bytes_in,bytes_out,' +
      'tokens_in,tokens_out,tokens_cached,unit_price_micros,cost_micros,provider_cost_micros,flags',
    `${event.id},${event.created_at},${event.request_id},7,api_key:1,/api/alert,,'=1+1,POST,202,12,100,50,3,,,100000,100000,,aborted estimated`,
    '',
  ])
})
