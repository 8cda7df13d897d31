// `clients budget` and `prices`: what is sent to the gateway, and what people are shown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const client = {
  ...{ id: 7, external_id: 'acme', name: 'Acme', email: null, status: 'active', shared_keys: false },
  settings: { budgets: { day_micros: 1_000_000, month_micros: null } },
  created_at: '2026-01-01T00:00:00.000Z',
}
const period = { starts_at: '2026-11-20T00:00:00.000Z', ends_at: '2026-11-21T00:00:00.000Z' }
const budgets = {
  client_id: 7,
  periods: [
    { ...period, period: 'day', budget_micros: 5_250_000, spent_micros: 10_000, reserved_micros: 0 },
    { ...period, period: 'month', budget_micros: null, spent_micros: null, reserved_micros: null },
  ],
}
const answers = {
  'GET /admin/api/clients/7': { body: client },
  'GET /admin/api/clients/7/budgets': { body: budgets },
  'PUT /admin/api/clients/7/budgets': { body: budgets },
}

test('one budget is set and the other stays; both are shown or taken away', async (t) => {
  const { url, received } = await startGatewayStandIn(t, answers)
  const run = (...args: string[]) =>
    runCommand(['clients', 'budget', '7', '--url', url, ...args], { env: signedIn })
  const set = await run('--month', '100.25')
  assert.deepEqual([set.exitCode, set.stderr], [0, ''])
  assert.match(set.stdout, /day\s+5\.25 EUR\s+0\.01 EUR/)
  assert.deepEqual(JSON.parse(received.at(-1)?.body ?? ''), {
    day_micros: 1_000_000,
    month_micros: 100_250_000,
  })
  await run('--none')
  assert.deepEqual([received.at(-1)?.method, received.at(-1)?.body], ['PUT', '{}'])
  await run()
  assert.equal(received.at(-1)?.method, 'GET')
})

test('what is no amount is refused before anything is sent', async () => {
  for (const wrong of ['-1', '1e3', '0.0000001', 'x', '1,5']) {
    const { exitCode, stderr } = await runCommand(['clients', 'budget', '7', `--day=${wrong}`], {
      env: signedIn,
    })
    assert.equal(exitCode, 64, wrong)
    assert.match(stderr, /--day/)
  }
  const both = await runCommand(['clients', 'budget', '7', '--none', '--day', '1'], { env: signedIn })
  assert.equal(both.exitCode, 64)
})

test('prices of one provider', async (t) => {
  const rates = { input_micros: 2_500_000, cached_input_micros: 1_250_000, output_micros: 10_000_000 }
  const row = { ...rates, long: null, context_window: 128_000, max_output: 16_384, source: 'default' }
  const body = {
    ...{ currency: 'EUR', currency_factor: '1', default_prices_date: '2026-11-20', endpoints: [], calls: [] },
    models: [
      { ...row, provider: 'openai', model: 'gpt-4o' },
      { ...row, provider: 'gemini', model: 'gemini-2.5-pro' },
    ],
  }
  const { url } = await startGatewayStandIn(t, { 'GET /admin/api/prices': { body } })
  const { stdout, exitCode } = await runCommand(['prices', '--provider', 'openai', '--url', url], {
    env: signedIn,
  })
  assert.equal(exitCode, 0)
  assert.match(stdout, /gpt-4o\s+2\.50 EUR\s+1\.25 EUR\s+10\.00 EUR/)
  assert.doesNotMatch(stdout, /gemini/)
})
