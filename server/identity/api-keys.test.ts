// API keys: accepted while good, refused from the moment on that they are not, rotated under one id.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeApiKey } from './api-key-text.ts'
import { countAcceptedAfter, makeClient, openRoom, watchQueries } from './test-support.ts'

const page = { page: 1, page_size: 20 }

test('a key carries what it was given, and what it has expired with is seen on its next use', async (t) => {
  const room = await openRoom(t)
  const expires_at = new Date(room.clock.now() + 60_000).toISOString()
  const wishes = {
    name: 'door',
    expires_at,
    scopes: ['proxy:openai'],
    models: ['gpt-5'],
    requests_per_minute: 9,
  }
  const { apiKey, keyId, client } = await makeClient(room, wishes)
  const principal = await room.authenticateApiKey(apiKey)
  assert.deepEqual(
    [principal?.scopes, principal?.models, principal?.requestsPerMinute, principal?.isBound],
    [['proxy:openai'], ['gpt-5'], 9, false],
  )
  assert.equal(room.authenticateApiKey(apiKey), principal, 'answered from memory')
  const statusOf = async () =>
    (await room.keys.list(client.id, page))?.items.find(({ id }) => id === keyId)?.status
  assert.equal(await statusOf(), 'active')
  room.clock.advance(60_000)
  assert.equal(room.authenticateApiKey(apiKey), null)
  assert.equal(await statusOf(), 'expired')
  await assert.rejects(room.keys.rotate(keyId, 0, room.record), { code: 'conflict', message: /expired/ })
})

test('a key cannot be made to expire in the past, and nothing is left of the attempt', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  const past = new Date(room.clock.now()).toISOString()
  const attempt = room.keys.create(client.id, { expires_at: past }, room.record)
  await assert.rejects(attempt, { code: 'malformed_request', message: /expires_at/ })
  assert.equal((await room.keys.list(client.id, page))?.total, 1)
})

test('unknown, mistyped and foreign texts are refused alike', async (t) => {
  const room = await openRoom(t)
  const { apiKey } = await makeClient(room)
  const texts = [
    makeApiKey().reveal(),
    `${apiKey.slice(0, -1)}_`,
    apiKey.toLowerCase(),
    'sp_',
    '',
    `${apiKey}\0`,
  ]
  for (const text of texts) assert.equal(await room.authenticateApiKey(text), null, JSON.stringify(text))
  assert.ok(await room.authenticateApiKey(apiKey))
})

test('a mistyped key costs no query', async (t) => {
  const room = await openRoom(t)
  const { apiKey } = await makeClient(room)
  let queries = 0
  const second = await room.openSecond({
    database: watchQueries(room.store.database, { before: () => void queries++ }),
  })
  queries = 0
  const slip = apiKey.endsWith('0') ? '1' : '0'
  assert.equal(await second.authenticateApiKey(`${apiKey.slice(0, -1)}${slip}`), null)
  assert.equal(queries, 0)
  assert.ok(await second.authenticateApiKey(apiKey))
  assert.equal(queries, 1)
})

test('both keys work during the grace of a rotation, then only the new one; the id stays', async (t) => {
  const room = await openRoom(t)
  const { apiKey: old, keyId, client } = await makeClient(room, {})
  assert.ok(await room.authenticateApiKey(old))
  const rotated = await room.keys.rotate(keyId, 3600, room.record)
  assert.ok(rotated)
  const young = rotated.apiKey.reveal()
  const credentials = await Promise.all([room.authenticateApiKey(old), room.authenticateApiKey(young)])
  assert.deepEqual(
    credentials.map((principal) => principal?.credential),
    [`api_key:${keyId}`, `api_key:${keyId}`],
  )
  const shown = (await room.keys.list(client.id, page))?.items.find(({ id }) => id === keyId)?.display
  assert.equal(shown, rotated.key.display)
  room.clock.advance(3600_000)
  assert.equal(await room.authenticateApiKey(old), null)
  assert.ok(await room.authenticateApiKey(young))
})

test('a rotation without grace ends every secret of before, those in an earlier grace too', async (t) => {
  const room = await openRoom(t)
  const { apiKey: first, keyId } = await makeClient(room, {})
  const second = await room.keys.rotate(keyId, 3600, room.record)
  const third = await room.keys.rotate(keyId, 0, room.record)
  assert.ok(second && third)
  const accepted = [first, second.apiKey.reveal(), third.apiKey.reveal()].map((text) =>
    room.authenticateApiKey(text),
  )
  assert.deepEqual((await Promise.all(accepted)).map(Boolean), [false, false, true])
  const { rowCount } = await room.store.database.query('select 1 from api_key_secrets where key_id = $1', [
    keyId,
  ])
  assert.equal(rowCount, 1)
})

test('a fixed rule is bound with the key in its transaction, first use marks it bound, off does not', async (t) => {
  const room = await openRoom(t)
  const rule = { mode: 'single' as const, allowed_ips: ['203.0.113.7'] }
  const fixed = await makeClient(room, { binding: rule })
  assert.deepEqual(
    room.bound.map(({ credential, clientId, rule: { mode, allowedIps } }) => ({
      credential,
      clientId,
      mode,
      allowedIps,
    })),
    [
      {
        credential: `api_key:${fixed.keyId}`,
        clientId: fixed.client.id,
        mode: 'single',
        allowedIps: ['203.0.113.7'],
      },
    ],
  )
  const firstUse = await makeClient(room, { binding: { policy: 'first_use' } })
  const off = await makeClient(room, { binding: { policy: 'off' } })
  const isBound = [fixed, firstUse, off].map(
    async ({ apiKey }) => (await room.authenticateApiKey(apiKey))?.isBound,
  )
  assert.deepEqual(await Promise.all(isBound), [true, true, false])
  assert.equal(room.bound.length, 1)
})

test('0 calls are accepted after a revocation was answered, however many are under way', async (t) => {
  const room = await openRoom(t)
  for (let round = 0; round < 20; round++) {
    const { apiKey, keyId } = await makeClient(room, {})
    const revoke = () => room.keys.revoke(keyId, room.record)
    assert.equal(await countAcceptedAfter(() => room.authenticateApiKey(apiKey), revoke), 0)
    await room.keys.reactivate(keyId, room.record)
    assert.ok(await room.authenticateApiKey(apiKey))
  }
})

test('the race would notice a credential that goes on', async (t) => {
  const room = await openRoom(t)
  const { apiKey } = await makeClient(room)
  assert.equal(
    await countAcceptedAfter(
      () => room.authenticateApiKey(apiKey),
      async () => undefined,
    ),
    200,
  )
})

test('a look-up that a revocation overlaps is neither joined nor remembered', async (t) => {
  const room = await openRoom(t)
  const { apiKey, keyId } = await makeClient(room, {})
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  let isSlow = false
  const slow = watchQueries(room.store.database, {
    async after(sql) {
      if (!isSlow || !sql.includes('api_key_secrets')) return
      isSlow = false
      asked.resolve()
      await gate.promise
    },
  })
  const second = await room.openSecond({ database: slow })
  isSlow = true
  const overlapped = second.authenticateApiKey(apiKey)
  await asked.promise
  await second.keys.revoke(keyId, room.record)
  assert.equal(await second.authenticateApiKey(apiKey), null, 'a later call joined the old look-up')
  gate.resolve()
  assert.ok(await overlapped, 'the call that began before the revocation was judged by what stood then')
  assert.equal(await second.authenticateApiKey(apiKey), null, 'the old look-up was remembered')
})

test('while notices cannot prove memory current the database is asked at each call', async (t) => {
  const room = await openRoom(t)
  const { apiKey, keyId } = await makeClient(room, {})
  let isFresh = true
  const deaf = { ...room.store.notices, subscribe: () => () => undefined, isFresh: () => isFresh }
  const second = await room.openSecond({ notices: deaf })
  assert.ok(await second.authenticateApiKey(apiKey))
  await room.keys.revoke(keyId, room.record)
  assert.ok(await second.authenticateApiKey(apiKey), 'it has heard of nothing')
  isFresh = false
  assert.equal(await second.authenticateApiKey(apiKey), null)
})

test('last uses are written in batches, and at the end at the latest', async (t) => {
  const room = await openRoom(t)
  const { apiKey, keyId, client } = await makeClient(room, {})
  const second = await room.openSecond()
  await second.authenticateApiKey(apiKey)
  await second.close()
  const items = (await room.keys.list(client.id, page))?.items ?? []
  assert.deepEqual(
    items.map(({ id, last_used_at }) => [id, last_used_at]),
    [
      [keyId, new Date(room.clock.now()).toISOString()],
      [keyId - 1, null],
    ],
  )
})
