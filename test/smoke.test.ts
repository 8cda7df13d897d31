// The published smoke checks of the Sentinel design, on every storage: health, first use, second use, another address, admin.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BindingItem, DashboardAnswer, InterceptItem } from '@sallyport/contract'
import { call, decidedCall, sendRaw } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import type { Gateway } from './support/gateway.ts'
import { openScope } from './support/scope.ts'
import { storageMatrix } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

type Page<Item> = { items: Item[]; total: number }

async function list<Item>(gateway: Gateway, path: string): Promise<Item[]> {
  const answer = await gateway.admin('GET', path)
  assert.equal(answer.status, 200, answer.text)
  return (answer.json() as Page<Item>).items
}

for (const storage of storageMatrix) {
  describe(`smoke checks on ${storage.name}`, storage.options, () => {
    const scope = openScope({ after })
    let fleet: Fleet
    before(async () => {
      fleet = await startFleet(scope, { storage })
    })

    test('health, first use, second use, another address, login and dashboard', async () => {
      const { upstream, gateways } = fleet
      const [gateway] = gateways
      const token = newToken()
      const models = `${gateway.url}/v1/models`

      const health = await call(`${gateway.url}/health`)
      assert.equal(health.status, 200)
      assert.deepEqual(health.json(), { status: 'ok' })

      const first = await decidedCall(models, { headers: from('203.0.113.7', token) })
      assert.equal(first.status, 200, first.text)
      const [binding] = await list<BindingItem>(gateway, '/bindings')
      assert.ok(binding, 'the first use made a binding')
      assert.deepEqual(
        [binding.mode, binding.allowed_ips, binding.status],
        ['single', ['203.0.113.7'], 'active'],
      )
      assert.ok(!binding.token_display.includes(token.slice(3)), 'the list shows a mask only')

      assert.equal((await decidedCall(models, { headers: from('203.0.113.7', token) })).status, 200)
      await eventually('last_used_at refreshed', async () => {
        const [used] = await list<BindingItem>(gateway, '/bindings')
        return String(used?.last_used_at) > String(binding.last_used_at)
      })

      const stolen = await decidedCall(models, { headers: from('203.0.113.8', token) })
      assert.deepEqual([stolen.status, stolen.code], [403, 'ip_not_allowed'])
      const intercept = await eventually('the refusal in the log', async () => {
        const [newest] = await list<InterceptItem>(gateway, '/logs')
        return newest
      })
      assert.equal(intercept.client_ip, '203.0.113.8')
      assert.equal(intercept.request_id, stolen.headers['x-request-id'])
      assert.deepEqual(intercept.allowed_ips, ['203.0.113.7'])

      const rule = { id: binding.id, mode: 'all', allowed_ips: [] }
      assert.equal((await gateway.admin('PUT', '/bindings/ip', rule)).status, 200)
      assert.equal((await decidedCall(models, { headers: from('203.0.113.8', token) })).status, 200)

      await eventually('the dashboard counting', async () => {
        const dashboard = (await gateway.admin('GET', '/dashboard')).json() as DashboardAnswer
        return (
          dashboard.today.intercepted === 1 &&
          dashboard.today.requests === 4 &&
          dashboard.bindings.total === 1
        )
      })
      assert.equal(upstream.received.length, 3, 'the refused call never reached the upstream')
    })

    test('the login refuses a wrong password and malformed bodies', async () => {
      const [gateway] = fleet.gateways
      await assert.rejects(gateway.login('not the password'), /401 .*wrong_password/)
      const unknown = await gateway.admin('POST', '/login', { password: 'x', user: 'y' })
      assert.deepEqual([unknown.status, unknown.code], [400, 'malformed_request'])
      assert.match(unknown.text, /user/)
      const answer = await sendRaw(
        gateway.url,
        'GET /admin/api/dashboard HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      )
      assert.match(answer, /^HTTP\/1\.1 401 /)
    })

    test('the gateway stops when it is told to', async () => {
      assert.deepEqual(await fleet.gateways[0].stop(), { code: 0, signal: null })
    })
  })
}
