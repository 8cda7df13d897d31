// Tests of `sallyport clients …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const apiKey = `sp_${'k'.repeat(64)}`
const acme = {
  id: 5,
  external_id: 'acme',
  name: 'Acme Corporation',
  email: 'security@acme.com',
  status: 'active',
  shared_keys: true,
  settings: {},
  created_at: '2026-11-20T08:00:00.000Z',
}
const key = {
  id: 7,
  client_id: 5,
  name: null,
  display: 'sp_kkkk...kkkk',
  status: 'active',
  scopes: null,
  models: null,
  requests_per_minute: null,
  expires_at: null,
  created_at: '2026-11-20T08:00:00.000Z',
  last_used_at: '2026-11-20T11:57:00.000Z',
}
const device = {
  device_id: 'pi_001',
  customer_id: 'acme',
  name: null,
  active: true,
  created_at: '2026-11-20T08:00:00.000Z',
  client_id: 5,
  requests_per_minute: null,
  last_seen_at: null,
}
const pageOf = (...items: object[]) => ({ items, total: items.length, page: 1, page_size: 20 })
const createArgs = ['clients', 'create', '--name', 'Acme Corporation', '--email', 'security@acme.com']

test('create shows the client, its key with the warning, and a text to hand on with the address of the gateway', async (t) => {
  const made = { status: 201, body: { client: acme, api_key: apiKey } }
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/clients': made })
  const result = await runCommand([...createArgs, '--external-id', 'acme', '--url', gateway.url], {
    env: signedIn,
  })
  assert.equal(result.stderr, '')
  assert.deepEqual(JSON.parse(gateway.received[1]?.body ?? ''), {
    name: 'Acme Corporation',
    email: 'security@acme.com',
    external_id: 'acme',
  })
  assert.match(result.stdout, /^ 5 {2}acme +Acme Corporation {2}security@acme\.com {2}active /m)
  assert.ok(result.stdout.includes(`API key: ${apiKey}\n`))
  assert.match(result.stdout, /shown this once and cannot be shown again/)
  assert.ok(result.stdout.includes(`SALLYPORT_API_KEY=${apiKey}\n`))
  assert.ok(result.stdout.includes(`curl -H 'X-API-Key: ${apiKey}' ${gateway.url}/api/health\n`))
})

test('the text to hand on names PUBLIC_URL on the machine of the gateway', async (t) => {
  const made = { status: 201, body: { client: acme, api_key: apiKey } }
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/clients': made })
  const env = { ...signedIn, APP_PORT: String(gateway.port), PUBLIC_URL: 'https://gateway.example.com' }
  const result = await runCommand(createArgs, { env })
  assert.match(result.stdout, /^SALLYPORT_URL=https:\/\/gateway\.example\.com$/m)
})

test('create --json prints the answer as the gateway sent it', async (t) => {
  const text = JSON.stringify({ client: acme, api_key: apiKey }, null, 1)
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/clients': { status: 201, body: text } })
  const result = await runCommand([...createArgs, '--json', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, `${text}\n`)
})

test('what the gateway would refuse is refused before it is asked, one line for each option', async () => {
  const wrong: [args: string[], reason: RegExp][] = [
    [['create', '--name', ' ', '--email', 'security@acme.com'], /^sallyport: --name: /],
    [['create', '--name', 'Acme', '--email', 'acme'], /^sallyport: --email: must be an email address/],
    [
      ['create', '--name', 'A', '--email', 'a@b.example', '--external-id', 'A B'],
      /^sallyport: --external-id: must be lower-case/,
    ],
    [['create', '--name', 'Acme'], /required option '--email <address>' not specified/],
    [['show', 'No Such'], /neither the id nor the external_id of a client/],
    [['revoke', '-1'], /"-1" is neither the id nor the external_id/],
    [['delete', '5', '--usage', 'keep'], /Allowed choices are invoice, drop/],
  ]
  for (const [args, reason] of wrong) {
    const result = await runCommand(['clients', ...args, '--url', 'http://127.0.0.1:1'], { env: signedIn })
    assert.match(result.stderr, reason)
    assert.equal(result.stdout, '')
    assert.equal(result.exitCode, 64, args.join(' '))
  }
})

test('list shows clients and below them their keys with state and dates', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients': { body: pageOf(acme) },
    'GET /admin/api/clients/5/keys': { body: pageOf(key, { ...key, id: 8, status: 'revoked' }) },
  })
  const result = await runCommand(['clients', 'list', '--status', 'active', '--url', gateway.url], {
    env: signedIn,
  })
  assert.equal(
    result.stdout,
    [
      'ID  EXTERNAL ID  NAME              EMAIL              STATUS  PER MINUTE  CREATED',
      ' 5  acme         Acme Corporation  security@acme.com  active           -  2026-11-20 08:00:00Z',
      'Page 1 of 1, 1 in all.',
      '',
      'Their keys:',
      'CLIENT  ID  KEY             NAME  STATUS   SCOPES  MODELS  PER MINUTE  CREATED               EXPIRES  LAST USED',
      'acme     7  sp_kkkk...kkkk  -     active   all     all              -  2026-11-20 08:00:00Z  -        3 min ago',
      'acme     8  sp_kkkk...kkkk  -     revoked  all     all              -  2026-11-20 08:00:00Z  -        3 min ago',
      '',
    ].join('\n'),
  )
  assert.equal(gateway.received[1]?.url, '/admin/api/clients?status=active')
})

test('an empty list says what to do, with and without a filter', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/clients': { body: pageOf() } })
  const run = (...args: string[]) =>
    runCommand(['clients', 'list', ...args, '--url', gateway.url], { env: signedIn })
  assert.match((await run()).stdout, /^No clients yet\. Make one: sallyport clients create/)
  assert.equal((await run('--q', 'acme')).stdout, 'No client matches.\n')
})

test('show finds a client by its external_id among those that begin alike, and tells all that belongs to it', async (t) => {
  const namesake = { ...acme, id: 4, external_id: 'acme-two' }
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients': { body: pageOf(namesake, acme) },
    'GET /admin/api/clients/5/keys': { body: pageOf(key) },
    'GET /admin/api/devices': { body: pageOf(device) },
    'GET /admin/api/clients/5/provider-keys': {
      body: { items: [{ provider: 'openai', last4: 'wxYZ', updated_at: acme.created_at }] },
    },
  })
  const result = await runCommand(['clients', 'show', 'acme', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stderr, '')
  assert.match(result.stdout, /^Keys:\n.*\n 7 /m)
  assert.match(result.stdout, /^Devices:\n.*\npi_001 /m)
  assert.match(result.stdout, /^Own provider keys:\n.*\nopenai +\*\*\*\*wxYZ /m)
  assert.ok(gateway.received.some(({ url }) => url === '/admin/api/devices?client_id=5&page_size=200'))
})

test('an external_id that no client has is told', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/clients': { body: pageOf() } })
  const result = await runCommand(['clients', 'show', 'nobody', '--url', gateway.url], { env: signedIn })
  assert.match(result.stderr, /there is no client with the external_id "nobody"/)
  assert.equal(result.exitCode, 1)
})

test('revoke and delete happen only after the name was typed or --yes was said', async (t) => {
  const suspended = { ...acme, status: 'suspended' }
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients/5': { body: acme },
    'POST /admin/api/clients/5/revoke': { body: suspended },
    'DELETE /admin/api/clients/5': { body: acme },
  })
  const changes = () => gateway.received.filter(({ method, url }) => method !== 'GET' && !/login/.test(url))
  for (const verb of ['revoke', 'delete']) {
    const args = ['clients', verb, '5', '--url', gateway.url]
    const unasked = await runCommand(args, { env: signedIn })
    assert.match(unasked.stderr, /no terminal to ask on\. Add --yes/)
    assert.equal(unasked.exitCode, 64)
    const mistyped = await runCommand(args, { env: signedIn, typed: 'acme-two' })
    assert.match(mistyped.stderr, /Client 5, Acme Corporation: .*\nType acme to go on/s)
    assert.match(mistyped.stderr, /not confirmed, nothing was changed/)
    assert.equal(mistyped.exitCode, 1)
  }
  assert.equal(changes().length, 0)

  const typed = await runCommand(['clients', 'revoke', '5', '--url', gateway.url], {
    env: signedIn,
    typed: 'acme',
  })
  assert.match(typed.stdout, /^Suspended:\n.*\n.* suspended /)
  const args = ['clients', 'delete', '5', '--usage', 'drop', '--yes', '--url', gateway.url]
  assert.match((await runCommand(args, { env: signedIn })).stdout, /^Deleted:\n/)
  assert.deepEqual(
    changes().map(({ method, url }) => `${method} ${url}`),
    ['POST /admin/api/clients/5/revoke', 'DELETE /admin/api/clients/5?usage=drop'],
  )
})

test('reactivate asks nothing, and an unknown id is told in the words of the gateway', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients/5': { body: acme },
    'POST /admin/api/clients/5/reactivate': { body: acme },
    'GET /admin/api/clients/6': errorAnswer(404, 'not_found', 'There is no client with the id 6.'),
  })
  const run = (id: string) =>
    runCommand(['clients', 'reactivate', id, '--url', gateway.url], { env: signedIn })
  assert.match((await run('5')).stdout, /^Reactivated:\n/)
  const unknown = await run('6')
  assert.equal(unknown.stderr, 'sallyport: There is no client with the id 6. (not_found, request req-1)\n')
  assert.equal(unknown.exitCode, 1)
})
