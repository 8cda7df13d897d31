// Intercept alerts as their receiver sees them: one a window, signed, tried again after a failure, slowing nobody.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { InterceptItem } from '@sallyport/contract'
import { decidedCall } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { startFleet } from './support/fleet.ts'
import type { Gateway } from './support/gateway.ts'
import { openScope, type Scope } from './support/scope.ts'
import { eachStorage } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

const webhookSecret = 'test-webhook-secret-0123456789abcdefgh'

type Delivery = { body: Buffer; signature: string | undefined; status: number }

/** A receiver that answers with `statuses` in turn, then 204. */
async function startReceiver(scope: Scope, statuses: number[]) {
  const deliveries: Delivery[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const status = statuses.shift() ?? 204
    const signature = request.headers['x-sallyport-signature']
    deliveries.push({ body, signature: Array.isArray(signature) ? signature[0] : signature, status })
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries }
}

async function intercept(gateway: Gateway, token: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    const answer = await decidedCall(`${gateway.url}/v1/models`, { headers: from('198.51.100.9', token) })
    assert.equal(answer.status, 403)
  }
}

for (const storage of eachStorage) {
  describe(`alerts on ${storage.name}`, () => {
    test(
      'the threshold raises one signed webhook a window, delivered again after a failure',
      storage.options,
      async (t) => {
        const scope = openScope(t)
        const receiver = await startReceiver(scope, [500])
        const { gateways } = await startFleet(scope, {
          storage,
          env: {
            ALERT_WEBHOOK_URL: receiver.url,
            ALERT_WEBHOOK_SECRET: webhookSecret,
            ALERT_THRESHOLD_COUNT: '3',
          },
        })
        const [gateway] = gateways
        const token = newToken()
        assert.equal(
          (await decidedCall(`${gateway.url}/v1/models`, { headers: from('203.0.113.7', token) })).status,
          200,
        )
        await intercept(gateway, token, 7)
        await eventually('a delivery after the failed one', () => receiver.deliveries.length >= 2)
        assert.deepEqual(
          receiver.deliveries.map(({ status }) => status),
          [500, 204],
        )
        for (const { body, signature } of receiver.deliveries) {
          const expected = createHmac('sha256', webhookSecret).update(body).digest('hex')
          assert.equal(signature, `sha256=${expected}`)
        }
        const told = JSON.parse(String(receiver.deliveries[1]?.body)) as Record<string, unknown>
        const { token_display, timestamp, ...rest } = told
        assert.deepEqual(rest, {
          event: 'intercept_threshold',
          client_ip: '198.51.100.9',
          allowed_ips: ['203.0.113.7'],
          count: 3,
          window_seconds: 300,
        })
        assert.ok(typeof token_display === 'string' && !token_display.includes(token.slice(3)))
        assert.ok(Math.abs(Date.now() - Date.parse(String(timestamp))) < 60_000)
        const { items } = (await gateway.admin('GET', '/logs')).json() as { items: InterceptItem[] }
        assert.equal(items.filter(({ alerted }) => alerted).length, 1)
      },
    )
  })
}

test('a receiver that never answers slows no request', async (t) => {
  const scope = openScope(t)
  const silent = createServer(() => null)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  scope.defer(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  const { gateways } = await startFleet(scope, {
    env: { ALERT_WEBHOOK_URL: url, ALERT_THRESHOLD_COUNT: '1' },
  })
  const token = newToken()
  await decidedCall(`${gateways[0].url}/v1/models`, { headers: from('203.0.113.7', token) })
  const begin = performance.now()
  await intercept(gateways[0], token, 20)
  assert.ok(performance.now() - begin < 5000, 'twenty refusals while the receiver hangs')
})
