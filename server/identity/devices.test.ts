// Devices: one refusal for all that is wrong, tokens that end with their epoch, secrets with a grace.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countAcceptedAfter, makeClient, makeDevice, openRoom, shareStore, tokenOf } from './test-support.ts'

for (const kind of ['embedded', 'dsn'] as const) {
  describe(`devices on ${kind} PostgreSQL`, () => {
    const store = shareStore(kind)
    test('a device trades its secret for a token, and is told what it is, never its secret', async (t) => {
      const room = await openRoom(t, { store: store() })
      const { client } = await makeClient(room)
      const { deviceId, secret } = await makeDevice(room, client.id)
      assert.match(secret, /^spd_[A-Za-z0-9_-]{43}$/)
      const session = await room.devices.authenticate(deviceId, secret)
      assert.equal(session?.token.expiresInSeconds, 900)
      assert.equal(session.info.customer_id, client.external_id)
      const principal = await room.authenticateDeviceToken(session.token.accessToken.reveal())
      assert.ok(principal)
      assert.deepEqual(
        [principal.kind, principal.clientId, principal.device?.deviceId, principal.maySpendShared],
        ['device', client.id, deviceId, true],
      )
      assert.deepEqual(await room.devices.info(principal), session.info)
      const kept = await room.store.database.query('select * from devices, device_secrets')
      assert.equal(JSON.stringify([session.info, room.recorded, kept.rows]).includes(secret), false)
      await assert.rejects(makeDevice(room, client.id, deviceId), { code: 'conflict', message: /device_id/ })
    })

    test('unknown, inactive, wrong secret and suspended client are one refusal', async (t) => {
      const room = await openRoom(t, { store: store() })
      const { client } = await makeClient(room)
      const { deviceId, secret } = await makeDevice(room, client.id)
      const other = await makeDevice(room, client.id)
      const attempt = (id: string, text: string) => room.devices.authenticate(id, text)
      assert.deepEqual(
        await Promise.all([
          attempt('nobody', secret),
          attempt(deviceId, other.secret),
          attempt(deviceId, ''),
          attempt(deviceId.toUpperCase(), secret),
          attempt(deviceId, `${secret} `),
        ]),
        [null, null, null, null, null],
      )
      await room.devices.revoke(deviceId, room.record)
      assert.equal(await attempt(deviceId, secret), null)
      await room.clients.suspend(client.id, room.record)
      assert.equal(await attempt(other.deviceId, other.secret), null)
      await room.clients.reactivate(client.id, room.record)
      assert.ok(await attempt(other.deviceId, other.secret))
    })

    test('a revocation ends every token, also for after a reactivation', async (t) => {
      const room = await openRoom(t, { store: store() })
      const { client } = await makeClient(room)
      const { deviceId, secret, token } = await makeDevice(room, client.id)
      const second = await tokenOf(room, deviceId, secret)
      assert.ok(await room.authenticateDeviceToken(token))
      assert.equal((await room.devices.revoke(deviceId, room.record))?.active, false)
      assert.equal(await room.authenticateDeviceToken(token), null)
      assert.equal((await room.devices.reactivate(deviceId, room.record))?.active, true)
      for (const old of [token, second]) assert.equal(await room.authenticateDeviceToken(old), null)
      assert.ok(await room.authenticateDeviceToken(await tokenOf(room, deviceId, secret)))
    })

    test('a secret of before works during its grace, then only the new one; without grace it ends at once', async (t) => {
      const room = await openRoom(t, { store: store() })
      const { client } = await makeClient(room)
      const { deviceId, secret } = await makeDevice(room, client.id)
      const rotate = async (graceSeconds: number) =>
        (await room.devices.rotateSecret(deviceId, graceSeconds, room.record))?.deviceSecret.reveal() ?? ''
      const isAccepted = async (...secrets: string[]) =>
        Promise.all(secrets.map(async (text) => Boolean(await room.devices.authenticate(deviceId, text))))
      const second = await rotate(60)
      assert.deepEqual(await isAccepted(secret, second), [true, true])
      room.clock.advance(60_000)
      assert.deepEqual(await isAccepted(secret, second), [false, true])
      const third = await rotate(0)
      assert.deepEqual(await isAccepted(secret, second, third), [false, false, true])
    })
  })
}

test('a refresh gives a different token each time, the old one lives to its end, and neither longer', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  const { token } = await makeDevice(room, client.id)
  const principal = await room.authenticateDeviceToken(token)
  assert.ok(principal)
  const texts = [token]
  for (let index = 0; index < 5; index++) {
    texts.push((await room.devices.refresh(principal))?.accessToken.reveal() ?? '')
  }
  assert.equal(new Set(texts).size, 6)
  for (const text of texts) assert.ok(await room.authenticateDeviceToken(text))
  room.clock.advance(899_000)
  for (const text of texts) assert.ok(await room.authenticateDeviceToken(text))
  room.clock.advance(1_000)
  for (const text of texts) assert.equal(await room.authenticateDeviceToken(text), null)
})

test('a device that was revoked meanwhile gets no further token and no info', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  const { deviceId, token } = await makeDevice(room, client.id)
  const principal = await room.authenticateDeviceToken(token)
  assert.ok(principal)
  await room.devices.revoke(deviceId, room.record)
  assert.equal(await room.devices.refresh(principal), null)
  const { apiKey } = await makeClient(room)
  const key = await room.authenticateApiKey(apiKey)
  assert.ok(key)
  assert.deepEqual([await room.devices.refresh(key), await room.devices.info(key)], [null, null])
})

test('a device is registered for exactly the client that is named', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  const register = (device_id: string, owner: { client_id?: number; customer_id?: string }) =>
    room.devices.register({ device_id, ...owner }, room.record)
  assert.equal((await register('a', { client_id: client.id })).device.client_id, client.id)
  assert.equal((await register('b', { customer_id: client.external_id })).device.client_id, client.id)
  await assert.rejects(register('c', { client_id: 999 }), {
    code: 'malformed_request',
    message: /client_id.*999/,
  })
  await assert.rejects(register('c', { customer_id: 'x' }), {
    code: 'malformed_request',
    message: /customer_id.*x/,
  })
  const list = await room.devices.list({ page: 1, page_size: 1, client_id: client.id })
  assert.deepEqual([list.total, list.items[0]?.device_id], [2, 'b'])
})

test('0 calls are accepted after the revocation of a device was answered, however many are under way', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  for (let round = 0; round < 10; round++) {
    const { deviceId, token } = await makeDevice(room, client.id)
    const revoke = () => room.devices.revoke(deviceId, room.record)
    assert.equal(await countAcceptedAfter(() => room.authenticateDeviceToken(token), revoke), 0)
  }
})

test('when a device was last seen is written at the end at the latest', async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  const { deviceId, token } = await makeDevice(room, client.id)
  const second = await room.openSecond()
  room.clock.advance(1000)
  await second.authenticateDeviceToken(token)
  await second.close()
  assert.equal((await room.devices.get(deviceId))?.last_seen_at, new Date(room.clock.now()).toISOString())
})

test("a device's own limit goes with each of its calls, beside its client's", async (t) => {
  const room = await openRoom(t)
  const { client } = await makeClient(room)
  await room.clients.update(client.id, { settings: { requests_per_minute: 600 } }, room.record)
  const input = { device_id: 'pi_limited', client_id: client.id, requests_per_minute: 30 }
  const { device, deviceSecret } = await room.devices.register(input, room.record)
  assert.equal(device.requests_per_minute, 30)
  const session = await room.devices.authenticate('pi_limited', deviceSecret.reveal())
  const principal = await room.authenticateDeviceToken(session?.token.accessToken.reveal() ?? '')
  assert.deepEqual([principal?.requestsPerMinute, principal?.clientRequestsPerMinute], [30, 600])
})
