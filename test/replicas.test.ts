// Several processes on one database behave as one gateway.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BindingItem, Settings } from '@sallyport/contract'
import { call, decidedCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import type { Gateway } from './support/gateway.ts'
import { openScope } from './support/scope.ts'
import { sharedStorage } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

/** How long another replica may go on with what it knew. */
const replicaDelayMs = 1000
const home = '203.0.113.7'
const elsewhere = '198.51.100.9'

function use(gateway: Gateway, address: string, token: string): Promise<number> {
  return decidedCall(`${gateway.url}/v1/models`, { headers: from(address, token) }).then(
    ({ status }) => status,
  )
}

for (const storage of sharedStorage) {
  describe(`replicas on ${storage.name}`, storage.options, () => {
    const scope = openScope({ after })
    let gateways: Fleet['gateways']
    before(async () => {
      gateways = (await startFleet(scope, { storage, count: 4 })).gateways
    })

    test('four processes that start at once on an empty database all come up', async () => {
      const answers = await Promise.all(gateways.map((gateway) => call(`${gateway.url}/health/ready`)))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 200],
      )
    })

    test("an admin's change holds on the next request, and on another process within 1 s", async () => {
      const [near, far] = gateways
      assert.ok(far)
      const token = newToken()
      assert.equal(await use(near, home, token), 200)
      assert.equal(await use(far, home, token), 200)
      const { items } = (await near.admin('GET', '/bindings')).json() as { items: BindingItem[] }
      const id = items[0]?.id
      /** Makes the change on one process; asserts it there at once and on the other in time. */
      const change = async (
        action: [method: string, path: string, body: object],
        seen: { home: number; elsewhere: number },
      ) => {
        const changedAt = performance.now()
        assert.equal((await near.admin(...action)).status, 200)
        assert.equal(await use(near, home, token), seen.home, `${action[1]} at home`)
        assert.equal(await use(near, elsewhere, token), seen.elsewhere, `${action[1]} elsewhere`)
        await eventually(
          `${action[1]} on the other process`,
          async () =>
            (await use(far, home, token)) === seen.home &&
            (await use(far, elsewhere, token)) === seen.elsewhere,
          replicaDelayMs - (performance.now() - changedAt),
        )
      }
      const rule = { id, mode: 'multiple', allowed_ips: [elsewhere, '192.0.2.0/24'] }
      await change(['POST', '/bindings/ban', { id }], { home: 403, elsewhere: 403 })
      await change(['POST', '/bindings/unban', { id }], { home: 200, elsewhere: 403 })
      await change(['PUT', '/bindings/ip', rule], { home: 403, elsewhere: 200 })
      await change(['PUT', '/bindings/ip', { id, mode: 'all', allowed_ips: [] }], {
        home: 200,
        elsewhere: 200,
      })
      await change(['POST', '/bindings/unbind', { id }], { home: 200, elsewhere: 403 })
    })

    test('settings and logins are shared by all processes', async () => {
      const [near, far] = gateways
      assert.ok(far)
      const changed = await near.admin('PUT', '/settings', { alert_threshold_count: 17 })
      assert.equal((changed.json() as Settings).alert_threshold_count, 17)
      await eventually(
        'the setting on the other process',
        async () => ((await far.admin('GET', '/settings')).json() as Settings).alert_threshold_count === 17,
        replicaDelayMs,
      )
      const token = await near.login()
      const headers = { authorization: `Bearer ${token}` }
      assert.equal((await call(`${far.url}/admin/api/dashboard`, { headers })).status, 200)
    })

    test('all four end when they are told to', async () => {
      const exits = await Promise.all(gateways.map((gateway) => gateway.stop()))
      assert.ok(exits.every(({ code }) => code === 0))
    })
  })
}
