// What a client is told of its usage: its own events only, and only with the scope for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageAnswer, UsageEvent } from '@sallyport/contract'
import { addEvents, usageEventOf } from '../usage/test-support.ts'
import { type ApiTest, openApiTest } from './test-support.ts'

const path = '/api/usage'

function insert(gateway: ApiTest, ...events: UsageEvent[]): Promise<number> {
  return gateway.database.transaction((tx) => addEvents(tx, events))
}

test('a client reads its own events and sums, by time and by page', async (t) => {
  const gateway = await openApiTest(t)
  const [acme, other] = [await gateway.makeClient('Acme'), await gateway.makeClient('Other')]
  const older = usageEventOf(acme.id, { created_at: '2026-10-01T00:00:00.000Z' })
  const newer = usageEventOf(acme.id, { endpoint: '/api/video/buffer', cost_micros: 10_000 })
  await insert(gateway, older, newer, usageEventOf(other.id))
  const read = async (query = '') => {
    const answer = await gateway.call('GET', path + query, { token: acme.apiKey })
    assert.equal(answer.status, 200, answer.text)
    return answer.json as UsageAnswer
  }
  const all = await read()
  assert.deepEqual(all.items, [newer, older])
  assert.deepEqual(all.totals, { calls: 2, cost_micros: 110_000 })
  assert.deepEqual(
    all.by_endpoint.map(({ endpoint }) => endpoint),
    ['/api/alert', '/api/video/buffer'],
  )
  assert.deepEqual((await read('?to=2026-10-01')).items, [older])
  const second = await read('?page=2&page_size=1')
  assert.deepEqual([second.items, second.total, second.totals.calls], [[older], 2, 2])
})

test('nobody names another client, nobody asks malformed things', async (t) => {
  const gateway = await openApiTest(t)
  const acme = await gateway.makeClient('Acme')
  for (const query of [
    '?client_id=1',
    '?from=yesterday',
    '?page=0',
    '?page_size=201',
    '?from=2026-02-01&to=2026-01-01',
  ]) {
    const answer = await gateway.call('GET', path + query, { token: acme.apiKey })
    assert.deepEqual([query, answer.status], [query, 400])
  }
})

test('without a credential, with a bad one, and with a key for other things there is nothing to read', async (t) => {
  const gateway = await openApiTest(t)
  const acme = await gateway.makeClient('Acme')
  const narrow = await gateway.makeKey(acme.id, { scopes: ['proxy'] })
  const wide = await gateway.makeKey(acme.id, { scopes: ['usage'] })
  const device = await gateway.authenticate(await gateway.makeDevice(acme.id, 'door'))
  const codeFor = async (token?: string) =>
    (await gateway.call('GET', path, token === undefined ? {} : { token })).error?.code ?? null
  assert.equal(await codeFor(), 'credential_missing')
  assert.equal(await codeFor('nonsense'), 'invalid_credential')
  assert.equal(await codeFor(device), 'invalid_credential')
  assert.equal(await codeFor(narrow.apiKey), 'scope_missing')
  assert.equal(await codeFor(wide.apiKey), null)
})
