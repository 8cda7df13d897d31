// Three clients and whatever happens to them: each secret ever issued opens its own client or nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type IdentityRoom, makeDevice, openRoom, tokenOf } from './test-support.ts'

type Held = { clientId: number; live: boolean; authenticate: () => Promise<number | null> }
/** What the test expects of a key or a device, and the secrets that were shown of it. */
type Thing = {
  clientId: number
  active: boolean
  secrets: Held[]
  kind: 'key' | 'device'
  name: number | string
}
type World = { room: IdentityRoom; suspended: Map<number, boolean>; things: Thing[] }

const operation = fc.record({
  action: fc.constantFrom(
    ...([
      'addKey',
      'addDevice',
      'revoke',
      'revoke',
      'reactivate',
      'rotate',
      'newToken',
      'suspend',
      'resume',
    ] as const),
  ),
  client: fc.nat(2),
  thing: fc.nat(30),
})
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

const clientOfKey = (room: IdentityRoom, text: string) => async () =>
  (await room.authenticateApiKey(text))?.clientId ?? null
const clientOfToken = (room: IdentityRoom, text: string) => async () =>
  (await room.authenticateDeviceToken(text))?.clientId ?? null

async function apply(world: World, { action, client, thing: index }: Operation): Promise<void> {
  const { room, suspended, things } = world
  const clientId = [...suspended.keys()][client] ?? 0
  if (action === 'addKey') return addKey(world, clientId)
  if (action === 'addDevice') return addDevice(world, clientId)
  if (action === 'suspend' || action === 'resume') {
    await room.clients[action === 'suspend' ? 'suspend' : 'reactivate'](clientId, room.record)
    suspended.set(clientId, action === 'suspend')
    return
  }
  const thing = things[index % Math.max(1, things.length)]
  if (!thing) return
  if (action === 'rotate') return rotate(world, thing)
  if (action === 'newToken') return addToken(world, thing)
  await setActive(world, thing, action === 'reactivate')
}

async function addKey({ room, things }: World, clientId: number): Promise<void> {
  const made = await room.keys.create(clientId, {}, room.record)
  assert.ok(made)
  const secret = { clientId, live: true, authenticate: clientOfKey(room, made.apiKey.reveal()) }
  things.push({ clientId, active: true, kind: 'key', name: made.key.id, secrets: [secret] })
}

async function addDevice({ room, suspended, things }: World, clientId: number): Promise<void> {
  if (suspended.get(clientId)) return
  const { deviceId, token } = await makeDevice(room, clientId)
  const secret = { clientId, live: true, authenticate: clientOfToken(room, token) }
  things.push({ clientId, active: true, kind: 'device', name: deviceId, secrets: [secret] })
}

async function rotate({ room }: World, thing: Thing): Promise<void> {
  if (typeof thing.name === 'string') return
  const rotation = room.keys.rotate(thing.name, 0, room.record)
  if (!thing.active) return assert.rejects(rotation, { code: 'conflict' })
  const apiKey = (await rotation)?.apiKey.reveal() ?? ''
  for (const secret of thing.secrets) secret.live = false
  thing.secrets.push({ clientId: thing.clientId, live: true, authenticate: clientOfKey(room, apiKey) })
}

async function addToken({ room, suspended }: World, thing: Thing): Promise<void> {
  if (typeof thing.name === 'number' || !thing.active || suspended.get(thing.clientId)) return
  const rotated = await room.devices.rotateSecret(thing.name, 0, room.record)
  assert.ok(rotated)
  const token = await tokenOf(room, thing.name, rotated.deviceSecret.reveal())
  thing.secrets.push({ clientId: thing.clientId, live: true, authenticate: clientOfToken(room, token) })
}

async function setActive({ room }: World, thing: Thing, active: boolean): Promise<void> {
  const act = active ? 'reactivate' : 'revoke'
  if (typeof thing.name === 'number') await room.keys[act](thing.name, room.record)
  else await room.devices[act](thing.name, room.record)
  // A key lives again with its secret; tokens of a device do not.
  if (thing.kind === 'device' && !active) for (const secret of thing.secrets) secret.live = false
  thing.active = active
}

async function check({ suspended, things }: World): Promise<void> {
  for (const thing of things) {
    for (const secret of thing.secrets) {
      const expected = secret.live && thing.active && !suspended.get(thing.clientId) ? thing.clientId : null
      assert.equal(await secret.authenticate(), expected, `${thing.kind} ${thing.name}`)
    }
  }
}

test('after any history each secret opens its own client or nothing, from the very next call on', async (t) => {
  const room = await openRoom(t)
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 25 }), async (operations) => {
      const suspended = new Map<number, boolean>()
      for (let index = 0; index < 3; index++) {
        const email = `${crypto.randomUUID()}@example.com`
        suspended.set((await room.clients.create({ name: 'Any', email }, room.record)).client.id, false)
      }
      const world: World = { room, suspended, things: [] }
      for (const step of operations) {
        await apply(world, step)
        await check(world)
      }
      for (const clientId of suspended.keys()) {
        await room.clients.delete(clientId, room.record)
        for (const thing of world.things) if (thing.clientId === clientId) thing.active = false
        await check(world)
      }
    }),
    { numRuns: 25 },
  )
})
