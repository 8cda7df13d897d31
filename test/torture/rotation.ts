// Proof: a rotation of the master key killed with SIGKILL at any moment leaves every provider key open, and ends without the former one.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { Secret } from '../../server/lib/secret.ts'
import { createStore, type Store } from '../../server/store/store.ts'
import { createTestPlace } from '../../server/store/test-support.ts'
import { createVault, type Vault } from '../../server/vault/vault.ts'
import { call } from '../support/call.ts'
import { type GatewayProcess, jsonCall, spawnCommand, startGateway } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { type Environment, testSecrets } from '../support/storage.ts'
import { startUpstream } from '../support/upstream.ts'
import { createDatabase, openPostgres } from './private-engine.ts'
import { createRandom, type Random } from './random.ts'
import type { Proof, TortureOptions, Trial } from './report.ts'

const clients = 20
const providersOfEach = 30
const keysPlanted = clients * providersOfEach
/** The command tells its progress in so many lines where there is no terminal. */
const progressLines = 10
const model = '/proxy/gemini/v1beta/models/m:generateContent'

export const provesRotation: Proof = {
  name: 'rotation',
  async run(prove, options) {
    const rounds = options.short ? 5 : 50
    await prove(
      `a master key rotation killed ${rounds} times: every key opens, the former master key is not needed at the end`,
      (trial) => rotateAgainAndAgain(trial, rounds, options),
    )
  },
}

type World = { scope: Scope; folder: string; dsn: string; store: Store }

async function rotateAgainAndAgain({ scope, note }: Trial, rounds: number, { seed }: TortureOptions) {
  const random = createRandom(seed)
  const dsn = await createDatabase(await openPostgres(scope), 'rotation')
  const first = testSecrets.MASTER_KEY
  const world = { scope, folder: await scope.folder(), dsn, store: await openStore(scope, dsn, first) }
  const planted = await plantKeys(world, first)
  const living = await plantThroughGateway(world, first)
  const pointsSeen: number[] = []
  let current: string = first
  for (let round = 0; round < rounds; round++) {
    const next = randomBytes(32).toString('base64')
    const sealedAnew = await killOnTheWay(world, { current, next, random })
    pointsSeen.push(sealedAnew)
    await assertAllOpen(world, [next, current], planted)
    await finish(world, { current, next, left: keysPlanted + 1 - sealedAnew })
    await assertAllOpen(world, [next], planted)
    current = next
  }
  await assertMovedOn(world, first, current)
  await living.assertServes(current)
  const amid = pointsSeen.filter((done) => done > 0 && done <= keysPlanted)
  assert.ok(amid.length > 0, 'no kill hit the rotation itself')
  note(`${amid.length} of ${rounds} kills amid the keys, after ${Math.min(...amid)} to ${Math.max(...amid)}`)
}

async function openStore(scope: Scope, dsn: string, masterKey: string): Promise<Store> {
  const place = await createTestPlace({ kind: 'embedded', redis: false })
  scope.defer(place.remove)
  const store = await createStore({
    ...place.dependencies,
    config: {
      ...place.dependencies.config,
      ...{ embedded: null, pgDsn: new Secret(dsn), masterKey: new Secret(masterKey) },
      pepper: new Secret(testSecrets.SENTINEL_HMAC_SECRET),
    },
  })
  scope.defer(store.close)
  return store
}

function openVault({ store }: World, [masterKey = '', ...previous]: readonly string[]): Vault {
  const config = {
    masterKey: new Secret(masterKey),
    masterKeyPrevious: previous.map((text) => new Secret(text)),
  }
  return createVault({ ...store, holdClient: async () => true, config })
}

type Planted = Map<string, { clientId: number; provider: string; key: string }>

async function plantKeys(world: World, masterKey: string): Promise<Planted> {
  const planted: Planted = new Map()
  const vault = openVault(world, [masterKey])
  for (let index = 0; index < keysPlanted; index++) {
    const clientId = 1_000_000 + (index % clients)
    const provider = `provider-${Math.floor(index / clients)}`
    const key = randomBytes(24).toString('base64url')
    await vault.setKey({ clientId, provider }, key, async () => undefined)
    planted.set(`${clientId} ${provider}`, { clientId, provider, key })
  }
  vault.close()
  return planted
}

function environmentOf(dsn: string, masterKeys: readonly string[]): Environment {
  const [current = '', ...previous] = masterKeys
  return {
    ...testSecrets,
    ...{ PG_DSN: dsn, MASTER_KEY: current },
    ...(previous.length > 0 ? { MASTER_KEY_PREVIOUS: previous.join(',') } : {}),
  }
}

/** A real client with a key of its own and a device token: what they open at the end is what they opened before. */
async function plantThroughGateway({ scope, dsn }: World, masterKey: string) {
  const upstream = await startUpstream()
  scope.defer(upstream.close)
  const providerKey = 'AIza-own-key-of-the-living-client'
  const start = (key: string) =>
    startGateway(scope, { env: { ...environmentOf(dsn, [key]), GEMINI_BASE_URL: upstream.url } })
  const gateway = await start(masterKey)
  const made = await gateway.admin('POST', '/clients', { name: 'Living', email: 'living@example.com' })
  const { client, api_key } = made.json() as { client: { id: number }; api_key: string }
  const path = `/clients/${client.id}/provider-keys/gemini`
  assert.equal((await gateway.admin('PUT', path, { api_key: providerKey })).status, 200)
  const device = { device_id: 'pi_1', client_id: client.id }
  const registered = (await gateway.admin('POST', '/devices', device)).json() as { device_secret: string }
  const login = { device_id: 'pi_1', device_secret: registered.device_secret }
  const answer = await call(`${gateway.url}/device/auth`, jsonCall('POST', login))
  const { access_token: token } = answer.json() as { access_token: string }
  await gateway.stop()
  return {
    async assertServes(key: string) {
      const later = await start(key)
      const order = jsonCall('POST', { contents: [] }, { authorization: `Bearer ${api_key}` })
      assert.equal((await call(`${later.url}${model}`, order)).status, 200)
      assert.equal(upstream.received.at(-1)?.headers['x-goog-api-key'], providerKey)
      const info = await call(`${later.url}/device/info`, { headers: { authorization: `Bearer ${token}` } })
      assert.equal(info.status, 200, 'a token signed before the first rotation')
      await later.stop()
    },
  }
}

type Step = { current: string; next: string }

/** Kills the command at its start, amid the keys or near its end; answers how many keys were sealed anew by then. */
async function killOnTheWay(
  world: World,
  { current, next, random }: Step & { random: Random },
): Promise<number> {
  const { scope, folder, dsn, store } = world
  const env = environmentOf(dsn, [next, current])
  const command = spawnCommand(scope, ['vault', 'rotate'], { folder, env })
  await untilLines(command, random.below(progressLines + 1))
  for (let turns = random.below(200); turns > 0; turns--) await turn()
  await command.kill9()
  const vault = openVault({ ...world, store }, [next, current])
  const { keys, outdated } = await vault.status()
  vault.close()
  return keys - outdated
}

async function untilLines(command: GatewayProcess, lines: number): Promise<void> {
  let hasEnded = false
  void command.exited.then(() => {
    hasEnded = true
  })
  while (!hasEnded && countLines(command) < lines) await turn()
}

function countLines(command: GatewayProcess): number {
  return command.output().split(' provider keys\n').length - 1
}

async function finish({ scope, folder, dsn }: World, { current, next, left }: Step & { left: number }) {
  const env = environmentOf(dsn, [next, current])
  const command = spawnCommand(scope, ['vault', 'rotate'], { folder, env })
  const { code } = await command.exited
  assert.equal(code, 0, command.output())
  if (left > 0) assert.ok(command.output().includes(`${left} of ${left} provider keys\n`), command.output())
}

/** The last master key alone opens everything, and the first one not even the installation. */
async function assertMovedOn({ scope, folder, dsn }: World, first: string, last: string): Promise<void> {
  const ask = async (masterKey: string) => {
    const env = environmentOf(dsn, [masterKey])
    const command = spawnCommand(scope, ['vault', 'status'], { folder, env })
    return { code: (await command.exited).code, output: command.output() }
  }
  const told = await ask(last)
  assert.equal(told.code, 0, told.output)
  assert.match(told.output, new RegExp(`Provider keys: ${keysPlanted + 1}, .*: 0\\b`))
  assert.equal((await ask(first)).code, 78)
}

async function assertAllOpen(world: World, masterKeys: readonly string[], planted: Planted): Promise<void> {
  const vault = openVault(world, masterKeys)
  for (const { clientId, provider, key } of planted.values()) {
    const opened = await vault.openKey(clientId, provider)
    assert.equal(opened?.reveal(), key, `${clientId} ${provider}`)
  }
  vault.close()
}
