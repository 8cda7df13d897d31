// Tests of `sallyport devices …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const device = {
  device_id: 'pi:urbanjungle.001',
  customer_id: 'urbanjungle',
  name: 'Front door',
  active: true,
  created_at: '2026-11-20T08:00:00.000Z',
  client_id: 5,
  requests_per_minute: null,
  last_seen_at: '2026-11-20T11:57:00.000Z',
}
const secret = `spd_${'s'.repeat(43)}`
const made = { status: 201, body: { device, device_secret: secret } }
const path = `/admin/api/devices/${encodeURIComponent(device.device_id)}`

test('register names the client by its external_id or its id, and shows the secret with a configuration to hand on', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/devices': made })
  const register = (client: string, ...args: string[]) =>
    runCommand(
      ['devices', 'register', '--id', device.device_id, '--client', client, ...args, '--url', gateway.url],
      { env: signedIn },
    )
  const result = await register('urbanjungle', '--name', 'Front door', '--assistant', 'a1,a2')
  await register('5', '--binding', 'first_use')
  const bodies = gateway.received
    .filter(({ url }) => url.endsWith('/devices'))
    .map(({ body }) => JSON.parse(body))
  assert.deepEqual(bodies, [
    { device_id: device.device_id, customer_id: 'urbanjungle', name: 'Front door', assistants: ['a1', 'a2'] },
    { device_id: device.device_id, client_id: 5, binding: { policy: 'first_use' } },
  ])
  assert.equal(result.stderr, '')
  assert.ok(result.stdout.includes(`Device secret: ${secret}\n`))
  assert.match(result.stdout, /shown this once and cannot be shown again/)
  const config = /^\{\n[^}]*\}$/m.exec(result.stdout)?.[0] ?? ''
  assert.deepEqual(JSON.parse(config), {
    device_id: device.device_id,
    device_secret: secret,
    proxy_url: gateway.url,
    vapi_assistant_id: '',
  })
})

test('a device that exists already is told in the words of the gateway', async (t) => {
  const taken = errorAnswer(409, 'conflict', 'There is a device pi_1 already.')
  const gateway = await startGatewayStandIn(t, { 'POST /admin/api/devices': taken })
  const args = ['devices', 'register', '--id', 'pi_1', '--client', '5', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(result.stderr, 'sallyport: There is a device pi_1 already. (conflict, request req-1)\n')
  assert.equal(result.exitCode, 1)
})

test('ids and graces out of range are usage errors that reach no gateway', async () => {
  const wrong: [args: string[], reason: RegExp][] = [
    [['register', '--id', 'a b', '--client', '5'], /^sallyport: --id: must be 1 to 128 letters/],
    [['register', '--id', 'pi_1'], /required option '--client <client>'/],
    [['revoke', 'a/b'], /"a\/b" is not a device id/],
    [['rotate-secret', 'pi_1', '--grace-seconds', 'soon'], /--grace-seconds: "soon" is not a whole number/],
  ]
  for (const [args, reason] of wrong) {
    const result = await runCommand(['devices', ...args, '--url', 'http://127.0.0.1:1'], { env: signedIn })
    assert.match(result.stderr, reason)
    assert.equal(result.exitCode, 64, args.join(' '))
  }
})

test('list shows the devices of everyone or of one client', async (t) => {
  const client = {
    ...{ id: 5, external_id: 'urbanjungle', name: 'Urban Jungle', email: null, status: 'active' },
    ...{ shared_keys: true, settings: {}, created_at: device.created_at },
  }
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/clients': { body: { items: [client], total: 1, page: 1, page_size: 200 } },
    'GET /admin/api/devices': { body: { items: [device], total: 1, page: 1, page_size: 20 } },
  })
  const args = ['devices', 'list', '--client', 'urbanjungle', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(
    result.stdout,
    [
      'DEVICE              CLIENT       NAME        STATUS  CREATED               LAST SEEN',
      'pi:urbanjungle.001  urbanjungle  Front door  active  2026-11-20 08:00:00Z  3 min ago',
      'Page 1 of 1, 1 in all.',
      '',
    ].join('\n'),
  )
  assert.equal(gateway.received.at(-1)?.url, '/admin/api/devices?client_id=5')
})

test('revoke is confirmed by the id, reactivate and rotate-secret ask nothing', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    [`POST ${path}/revoke`]: { body: { ...device, active: false } },
    [`POST ${path}/reactivate`]: { body: device },
    [`POST ${path}/rotate-secret`]: made,
  })
  const run = (verb: string, options: { typed?: string } = {}, ...args: string[]) =>
    runCommand(['devices', verb, device.device_id, ...args, '--url', gateway.url], {
      env: signedIn,
      ...options,
    })
  assert.equal((await run('revoke')).exitCode, 64)
  assert.equal((await run('revoke', { typed: 'yes' })).exitCode, 1)
  assert.equal(gateway.received.length, 0)
  assert.match((await run('revoke', { typed: device.device_id })).stdout, /^Revoked:\n.*\n.* revoked /)
  assert.match((await run('reactivate')).stdout, /^Reactivated:\n.*\n.* active /)
  assert.ok((await run('rotate-secret', {}, '--grace-seconds', '60')).stdout.includes(secret))
  assert.deepEqual(JSON.parse(gateway.received.at(-1)?.body ?? ''), { grace_seconds: 60 })
})
