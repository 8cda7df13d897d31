// Tests of `sallyport cameras …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const camera = {
  client_id: 5,
  camera_id: 'front_door',
  first_seen_at: '2026-11-20T08:00:00.000Z',
  last_seen_at: '2026-11-20T11:57:00.000Z',
  buffer: {
    ...{ frames: 250, bytes: 12_500_000, frames_per_second: 25, idle_seconds: 0 },
    ...{ oldest_at: '2026-11-20T11:56:50.040Z', newest_at: '2026-11-20T11:57:00.000Z' },
  },
}
const memory = { clients: 1, frames: 250, bytes: 12_500_000, bytes_max: 1_073_741_824 }

test('cameras are listed with what is kept of them, one client’s when asked', async (t) => {
  const items = [camera, { ...camera, camera_id: 'hall', buffer: null }]
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/cameras': { status: 200, body: { items, total: 2, page: 1, page_size: 20, memory } },
    'GET /admin/api/clients/5': {
      status: 200,
      body: {
        ...{ id: 5, external_id: 'acme', name: 'Acme', email: 'a@example.com', status: 'active' },
        ...{ shared_keys: false, settings: {}, created_at: camera.first_seen_at },
      },
    },
  })
  const result = await runCommand(['cameras', 'list', '--client', '5', '--url', gateway.url], {
    env: signedIn,
  })
  assert.equal(result.stderr, '')
  assert.ok(gateway.received.some(({ url }) => url === '/admin/api/cameras?client_id=5'))
  assert.match(result.stdout, /5 +front_door +250 +12500000 +25\.0 /)
  assert.match(result.stdout, /5 +hall +0 +0 +- /)
})

test('an empty list says how a camera comes into being', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/cameras': { status: 200, body: { items: [], total: 0, page: 1, page_size: 20, memory } },
  })
  const result = await runCommand(['cameras', 'list', '--url', gateway.url], { env: signedIn })
  assert.equal(result.stdout, 'No cameras. One comes into being with its first frame.\n')
})
