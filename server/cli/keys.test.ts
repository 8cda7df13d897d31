// Tests of `sallyport keys …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const apiKey = `sp_${'k'.repeat(64)}`
const key = {
  id: 7,
  client_id: 5,
  name: 'kiosk',
  display: 'sp_kkkk...kkkk',
  status: 'active',
  scopes: ['proxy:openai', 'usage'],
  models: ['gpt-4o-mini'],
  requests_per_minute: 60,
  expires_at: '2027-01-31T00:00:00.000Z',
  created_at: '2026-11-20T08:00:00.000Z',
  last_used_at: null,
}
const client = {
  id: 5,
  external_id: 'acme',
  name: 'Acme Corporation',
  email: null,
  status: 'active',
  shared_keys: true,
  settings: {},
  created_at: '2026-11-20T08:00:00.000Z',
}
const made = { status: 201, body: { key, api_key: apiKey } }

test('add sends every option in the shape of the admin API and shows the key once', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients/5': { body: client },
    'POST /admin/api/clients/5/keys': made,
  })
  const args = [
    ...['keys', 'add', '--client', '5', '--name', 'kiosk', '--expires-at', '2027-01-31'],
    ...['--scope', 'proxy:openai,usage', '--model', 'gpt-4o-mini', '--model', 'gpt-4o'],
    ...['--requests-per-minute', '60', '--ip', '198.51.100.0/24', '203.0.113.9', '--url', gateway.url],
  ]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(result.stderr, '')
  const sent = gateway.received.find(({ method, url }) => method === 'POST' && url.endsWith('/keys'))
  assert.deepEqual(JSON.parse(sent?.body ?? ''), {
    name: 'kiosk',
    expires_at: '2027-01-31T00:00:00.000Z',
    scopes: ['proxy:openai', 'usage'],
    models: ['gpt-4o-mini', 'gpt-4o'],
    requests_per_minute: 60,
    binding: { mode: 'multiple', allowed_ips: ['198.51.100.0/24', '203.0.113.9'] },
  })
  assert.equal(result.stdout.split(apiKey).length, 2, 'the key is shown once')
  assert.match(result.stdout, /shown this once and cannot be shown again/)
})

test('add with a policy, and with nothing but the client, asks for no more than was said', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients/5': { body: client },
    'POST /admin/api/clients/5/keys': made,
  })
  const add = (...args: string[]) =>
    runCommand(['keys', 'add', '--client', '5', ...args, '--json', '--url', gateway.url], { env: signedIn })
  assert.equal((await add()).stdout, `${JSON.stringify(made.body)}\n`)
  await add('--binding', 'first_use')
  const bodies = gateway.received
    .filter(({ url }) => url.endsWith('/keys'))
    .map(({ body }) => JSON.parse(body))
  assert.deepEqual(bodies, [{}, { binding: { policy: 'first_use' } }])
})

test('values out of range are usage errors that reach no gateway', async () => {
  const wrong: [args: string[], reason: RegExp][] = [
    [
      ['add', '--client', '5', '--requests-per-minute', '0'],
      /--requests-per-minute: "0" is not a whole number/,
    ],
    [['add', '--client', '5', '--requests-per-minute', '1.5'], /from 1 to 1000000/],
    [['add', '--client', '5', '--expires-at', 'tomorrow'], /--expires-at: "tomorrow" is not a time/],
    [['add', '--client', '5', '--expires-at', '2027-02-31T25:00:00Z'], /is not a time/],
    [['add', '--client', '5', '--scope', 'everything'], /--scope: must be video, alert, usage, proxy/],
    [['add', '--client', '5', '--binding', 'off', '--ip', '10.0.0.1'], /either --binding or a rule/],
    [['add', '--client', '5', '--binding', 'maybe'], /Allowed choices are off, first_use/],
    [['add'], /required option '--client <client>'/],
    [['rotate', '7', '--grace-seconds', '2592001'], /--grace-seconds: .* from 0 to 2592000/],
    [['rotate', '0'], /"0" is not the id of a key/],
    [['revoke', '99999999999999'], /is not the id of a key/],
  ]
  for (const [args, reason] of wrong) {
    const result = await runCommand(['keys', ...args, '--url', 'http://127.0.0.1:1'], { env: signedIn })
    assert.match(result.stderr, reason)
    assert.equal(result.exitCode, 64, args.join(' '))
  }
})

test('list shows the keys of a client, and what to do when there is none', async (t) => {
  const answers = { 'GET /admin/api/clients/5': { body: client } }
  const page = { items: [key], total: 1, page: 1, page_size: 20 }
  const gateway = await startGatewayStandIn(t, {
    ...answers,
    'GET /admin/api/clients/5/keys': { body: page },
  })
  const args = ['keys', 'list', '--client', '5', '--url']
  const result = await runCommand([...args, gateway.url], { env: signedIn })
  assert.match(
    result.stdout,
    /^ 7 {2}sp_kkkk\.\.\.kkkk {2}kiosk {2}active {2}proxy:openai, usage {2}gpt-4o-mini +60 /m,
  )
  assert.match(result.stdout, /2027-01-31 00:00:00Z {2}-$/m)

  const empty = await startGatewayStandIn(t, {
    ...answers,
    'GET /admin/api/clients/5/keys': { body: { ...page, items: [], total: 0 } },
  })
  assert.match((await runCommand([...args, empty.url], { env: signedIn })).stdout, /^No keys\. Make one/)
})

test('rotate leaves the grace to the gateway unless one is said', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/keys/7/rotate': made })
  const rotate = (...args: string[]) =>
    runCommand(['keys', 'rotate', '7', ...args, '--url', gateway.url], { env: signedIn })
  assert.ok((await rotate()).stdout.includes(`API key: ${apiKey}\n`))
  await rotate('--grace-seconds', '0')
  const bodies = gateway.received
    .filter(({ url }) => url.endsWith('/rotate'))
    .map(({ body }) => JSON.parse(body))
  assert.deepEqual(bodies, [{}, { grace_seconds: 0 }])
})

test('revoke is confirmed by the id, reactivate asks nothing', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'POST /admin/api/keys/7/revoke': { body: { ...key, status: 'revoked' } },
    'POST /admin/api/keys/7/reactivate': { body: key },
  })
  const run = (verb: string, typed?: string) =>
    runCommand(['keys', verb, '7', '--url', gateway.url], { env: signedIn, ...(typed && { typed }) })
  assert.equal((await run('revoke')).exitCode, 64)
  assert.equal((await run('revoke', '8')).exitCode, 1)
  assert.equal(gateway.received.length, 0)
  assert.match((await run('revoke', '7')).stdout, /^Revoked:\n.*\n.* revoked /)
  assert.match((await run('reactivate')).stdout, /^Reactivated:\n.*\n.* active /)
})
