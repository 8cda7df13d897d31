// Tests of `sallyport usage` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { usageEventOf } from '../usage/test-support.ts'
import { formatMoney } from './table.ts'
import { createTestFolder, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const event = usageEventOf(7, {
  ...{
    created_at: '2026-11-20T11:00:00.000Z',
    endpoint: '/proxy/openai/v1/chat/completions',
    model: 'gpt-5',
  },
  ...{ provider: 'openai', tokens_in: 12, tokens_out: 3, cost_micros: 1234, status: 200, flags: ['aborted'] },
})
const answer = {
  ...{ items: [event], total: 1, page: 1, page_size: 20, totals: { calls: 1, cost_micros: 1234 } },
  by_endpoint: [{ endpoint: event.endpoint, calls: 1, cost_micros: 1234 }],
}

test('usage shows calls and what they add up to', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/usage': { body: answer } })
  const result = await runCommand(['usage', '--from', '2026-11-20', '--url', gateway.url], { env: signedIn })
  assert.match(
    result.stdout,
    /2026-11-20 11:00:00Z +7 +api_key:1 +POST \/proxy\/openai\/v1\/chat\/completions +gpt-5 +200 +12 \+ 3 +0\.001234 EUR +aborted/,
  )
  assert.match(result.stdout, /\nall +1 +0\.001234 EUR/)
  assert.equal(gateway.received[1]?.url, '/admin/api/usage?from=2026-11-20')
})

test('usage --json prints the answer of the gateway, and nothing is told as nothing', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/usage': { body: answer } })
  const json = await runCommand(['usage', '--json', '--url', gateway.url], { env: signedIn })
  assert.deepEqual(JSON.parse(json.stdout), answer)
  const none = { ...answer, items: [], total: 0, by_endpoint: [] }
  const empty = await startGatewayStandIn(t, { 'GET /admin/api/usage': { body: none } })
  const result = await runCommand(['usage', '--url', empty.url], { env: signedIn })
  assert.equal(result.stdout, 'No metered calls.\n')
})

test('usage --export writes a file of one client', async (t) => {
  const client = {
    ...{ id: 7, external_id: 'acme', name: 'Acme', email: null, status: 'active' },
    ...{ shared_keys: false, settings: {}, created_at: '2026-11-20T11:00:00.000Z' },
  }
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/usage/export': { body: 'id\r\n' },
    'GET /admin/api/clients/7': { body: client },
  })
  const file = join(createTestFolder(t), 'usage.csv')
  const args = ['usage', '--client', '7', '--export', file, '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(result.stdout, `Written to ${file}.\n`)
  assert.equal(readFileSync(file, 'utf8'), 'id\r\n')
  assert.equal(gateway.received.at(-1)?.url, '/admin/api/usage/export?client_id=7')
})

test('usage is narrowed by what a call was for and how it ended', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/usage': { body: answer } })
  const filter = [
    '--provider',
    'openai',
    '--model',
    'gpt-5',
    '--outcome',
    'failed',
    '--endpoint',
    '/api/alert',
  ]
  await runCommand(['usage', ...filter, '--url', gateway.url], { env: signedIn })
  const query = new URL(gateway.received[1]?.url ?? '', gateway.url).searchParams
  assert.deepEqual(Object.fromEntries(query), {
    ...{ provider: 'openai', model: 'gpt-5', outcome: 'failed', endpoint: '/api/alert' },
  })
})

test('money has two digits, and more where there are any', () => {
  assert.deepEqual([0, 10_000, 100_000, 1, 2_430_000, -1_000_500].map(formatMoney), [
    '0.00 EUR',
    '0.01 EUR',
    '0.10 EUR',
    '0.000001 EUR',
    '2.43 EUR',
    '-1.0005 EUR',
  ])
})
