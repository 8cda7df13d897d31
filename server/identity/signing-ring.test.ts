// Signing keys: rotated for all replicas without refusing one good token, sealed in the database, or told by the environment.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createStore } from '../store/store.ts'
import { countForeignSigningKeys } from './ring-memory.ts'
import { toSigningKey } from './signing-key.ts'
import { makeClient, makeDevice, newSecret, openRoom, tokenOf, watchQueries } from './test-support.ts'

const kidOf = (token: string) => {
  const header: { kid: string } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  return header.kid
}

test('ten rotations under load on two processes refuse no good token', async (t) => {
  const room = await openRoom(t)
  const dataDir = mkdtempSync(join(tmpdir(), 'sp-test-'))
  const { dependencies } = room.store
  const store = await createStore({ ...dependencies, config: { ...dependencies.config, dataDir } })
  t.after(async () => {
    await store.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const one = await room.openSecond({ clock: systemClock })
  const other = await room.openSecond({
    clock: systemClock,
    database: store.database,
    notices: store.notices,
  })
  const { client } = await makeClient(room)
  const device = await makeDevice(room, client.id)
  let isOver = false
  const tokens = [device.token]
  const refused: string[] = []
  const kids = new Set<string>()
  const work = async (signing: typeof one, verifying: typeof one) => {
    while (!isOver) {
      const token = await tokenOf(signing, device.deviceId, device.secret)
      kids.add(kidOf(token))
      tokens.push(token)
      const older = tokens[Math.floor(Math.random() * tokens.length)] ?? token
      for (const text of [token, older])
        if (!(await verifying.authenticateDeviceToken(text))) refused.push(text)
    }
  }
  const load = [work(one, other), work(other, one), work(one, one)]
  for (let rotation = 0; rotation < 10; rotation++) {
    await (rotation % 2 === 0 ? one : other).signingKeys.rotate(room.record)
    const signedBefore = tokens.length
    while (tokens.length < signedBefore + 20) await new Promise((resolve) => setImmediate(resolve))
  }
  isOver = true
  await Promise.all(load)
  assert.deepEqual(refused, [])
  assert.ok(kids.size >= 10, `${kids.size} keys signed`)
  const { keys } = await other.signingKeys.status()
  assert.deepEqual([keys.length, keys.filter(({ signs }) => signs).length], [11, 1])
})

test('a replica that has not heard of a rotation takes its tokens all the same', async (t) => {
  const room = await openRoom(t)
  const deaf = { ...room.store.notices, subscribe: () => () => undefined, isFresh: () => true }
  const other = await room.openSecond({ clock: systemClock, notices: deaf })
  const { client } = await makeClient(room)
  const device = await makeDevice(room, client.id)
  await room.signingKeys.rotate(room.record)
  const young = await tokenOf(room, device.deviceId, device.secret)
  assert.notEqual(kidOf(young), kidOf(device.token))
  assert.ok(await other.authenticateDeviceToken(young))
  assert.ok(await other.authenticateDeviceToken(device.token))
})

test('tokens that name made-up keys share few readings of the ring', async (t) => {
  const room = await openRoom(t)
  let readings = 0
  const counting = watchQueries(room.store.database, {
    before(sql) {
      if (sql.includes('from signing_keys')) readings++
    },
  })
  const second = await room.openSecond({ database: counting, clock: systemClock })
  const { client } = await makeClient(room)
  const { token } = await makeDevice(room, client.id)
  const [, payload = '', signature = ''] = token.split('.')
  readings = 0
  const forged = Array.from({ length: 200 }, () => {
    const header = JSON.stringify({ alg: 'HS256', kid: randomBytes(4).toString('hex') })
    return `${Buffer.from(header).toString('base64url')}.${payload}.${signature}`
  })
  const answers = await Promise.all(forged.map((text) => second.authenticateDeviceToken(text)))
  assert.ok(answers.every((answer) => answer === null))
  assert.ok(readings <= 2, `${readings} readings`)
})

test('a retired key is deleted once its last token has expired, and not before', async (t) => {
  const room = await openRoom(t)
  const { kid } = await room.signingKeys.rotate(room.record)
  const kids = async () => (await room.signingKeys.status()).keys.map((key) => key.kid)
  assert.equal((await kids()).length, 2)
  room.clock.advance(3600_000)
  await room.openSecond()
  assert.equal((await kids()).length, 2)
  room.clock.advance(601_000)
  await room.openSecond()
  assert.deepEqual(await kids(), [kid])
})

describe('the ring in the database', () => {
  test('two first starts at once make one key, which no row shows', async (t) => {
    const room = await openRoom(t)
    await room.store.database.query('delete from signing_keys')
    const rooms = await Promise.all([room.openSecond(), room.openSecond(), room.openSecond()])
    const kids = await Promise.all(
      rooms.map(async (one) => (await one.signingKeys.status()).keys.map(({ kid }) => kid)),
    )
    assert.equal(new Set(kids.flat()).size, 1)
    const { rows } = await room.store.database.query<{ sealed: Buffer }>('select sealed from signing_keys')
    assert.deepEqual(
      rows.map(({ sealed }) => sealed.length),
      [1 + 12 + 16 + 43],
    )
  })

  test('after a change of the master key it is opened with the old one and sealed with the new one', async (t) => {
    const room = await openRoom(t)
    const { client } = await makeClient(room)
    const { token } = await makeDevice(room, client.id)
    const { masterKey: old } = room.store.dependencies.config
    const masterKey = new Secret(randomBytes(32).toString('base64'))
    const foreignTo = (config: { masterKey: Secret; masterKeyPrevious: Secret[] }) =>
      countForeignSigningKeys(room.store.database, config)
    assert.equal(await foreignTo({ masterKey, masterKeyPrevious: [] }), 1)
    await room.openSecond({ masterKey, masterKeyPrevious: [old] })
    assert.equal(await foreignTo({ masterKey, masterKeyPrevious: [] }), 0)
    const later = await room.openSecond({ masterKey, masterKeyPrevious: [] })
    assert.ok(await later.authenticateDeviceToken(token))
  })

  test('a key that cannot be opened signs nothing: another one is made', async (t) => {
    const room = await openRoom(t)
    const { client } = await makeClient(room)
    const { token, deviceId, secret } = await makeDevice(room, client.id)
    const { rows } = await room.store.database.query<{ sealed: Buffer }>('select sealed from signing_keys')
    const altered = Buffer.from(rows[0]?.sealed ?? [])
    altered[40] = (altered[40] ?? 0) ^ 1
    await room.store.database.query('update signing_keys set sealed = $1', [altered])
    const second = await room.openSecond({ clock: systemClock })
    assert.equal(await second.authenticateDeviceToken(token), null)
    assert.ok(await second.authenticateDeviceToken(await tokenOf(second, deviceId, secret)))
  })

  test('a rotation is recorded by key ids alone', async (t) => {
    const room = await openRoom(t)
    const [before] = (await room.signingKeys.status()).keys
    const { kid } = await room.signingKeys.rotate(room.record)
    assert.deepEqual(room.recorded, [
      {
        action: 'signing_key.rotate',
        target: `signing key ${kid}`,
        before: { kid: before?.kid },
        after: { kid },
      },
    ])
  })
})

describe('JWT_SECRET', () => {
  const [old, young] = [newSecret('old'), newSecret('young')]

  test('its key id is the beginning of its SHA-256, and a rotation is refused with what to do instead', async (t) => {
    const room = await openRoom(t, { config: { jwtSecret: young, jwtSecretPrevious: [old] } })
    const { client } = await makeClient(room)
    assert.equal(kidOf((await makeDevice(room, client.id)).token), toSigningKey(young).kid)
    await assert.rejects(room.signingKeys.rotate(room.record), {
      code: 'conflict',
      message: /JWT_SECRET_PREVIOUS/,
    })
    assert.deepEqual(
      (await room.signingKeys.status()).keys.map(({ kid, signs }) => [kid, signs]),
      [
        [toSigningKey(young).kid, true],
        [toSigningKey(old).kid, false],
      ],
    )
  })

  test('tokens of a previous secret stay good, also where the database signs now; of one that was taken away not', async (t) => {
    const room = await openRoom(t, { config: { jwtSecret: old } })
    const { client } = await makeClient(room)
    const { token } = await makeDevice(room, client.id)
    const rotated = await room.openSecond({ jwtSecret: young, jwtSecretPrevious: [old] })
    assert.ok(await rotated.authenticateDeviceToken(token))
    const inDatabase = await room.openSecond({ jwtSecret: null, jwtSecretPrevious: [old] })
    assert.ok(await inDatabase.authenticateDeviceToken(token))
    const without = await room.openSecond({ jwtSecret: young })
    assert.equal(await without.authenticateDeviceToken(token), null)
  })
})
