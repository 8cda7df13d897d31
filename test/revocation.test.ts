// Under load, what is revoked is refused from the answer to the revocation on, and a rotation of the signing key refuses nobody.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { runCommand } from '../server/cli/test-support.ts'
import { eventually } from './support/eventually.ts'
import { startFleet } from './support/fleet.ts'
import type { Gateway } from './support/gateway.ts'
import { makeHolder } from './support/revocable.ts'
import { openScope, type Scope } from './support/scope.ts'
import { type SteadyCall, type SteadyLoad, startSteadyLoad } from './support/steady-load.ts'
import { type Environment, sharedStorage } from './support/storage.ts'

/** Of all processes together. What a machine reaches is told; no assertion depends on it. */
const callsPerSecond = 2000
const connections = 64
/** Answered calls on each process that each part of a measurement waits for. */
const callsAtLeast = 300
/**
 * How long another process may go on with what it knew. There is no margin on top: a call's time is noted before it is sent,
 * the change's when its answer has arrived, so this test's own delays never accuse a call.
 */
const replicaDelayMs = 1000
const [storage] = sharedStorage
const options = { ...storage?.options }

type World = {
  scope: Scope
  gateways: readonly [Gateway, ...Gateway[]]
  env: Environment
  /** Calls that have reached the provider so far. */
  arrived(): number
}

async function startWorld(t: TestContext, count: number): Promise<World> {
  assert.ok(storage)
  const scope = openScope(t)
  const provider = await startCountingProvider(scope)
  const env = {
    ...(await storage.open(scope)),
    ...{ OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'sk-shared-of-the-operator' },
  }
  const { gateways } = await startFleet(scope, { storage: { ...storage, open: async () => env }, count })
  return { scope, gateways, env, arrived: provider.arrived }
}

async function startCountingProvider(scope: Scope): Promise<{ url: string; arrived(): number }> {
  let arrived = 0
  const server = createServer((_request, response) => {
    arrived++
    response.setHeader('content-type', 'application/json').end('{"object":"list","data":[]}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived: () => arrived }
}

/** One load for each process; `next` says which credential a call carries. */
function startLoads({ scope, gateways }: World, next: () => string): SteadyLoad[] {
  return gateways.map(({ url }) =>
    startSteadyLoad(scope, {
      ...{ url, path: '/proxy/openai/v1/models', next },
      ...{ perSecond: callsPerSecond / gateways.length, connections: connections / gateways.length },
    }),
  )
}

/** Ends the loads; resolves with the calls a second that they reached together. */
async function stopAll(loads: readonly SteadyLoad[]): Promise<number> {
  const rates = await Promise.all(loads.map((load) => load.stop()))
  return Math.round(rates.reduce((sum, rate) => sum + rate, 0))
}

/** The first process was asked for the change and knows at once. */
const delayOf = (process: number) => (process === 0 ? 0 : replicaDelayMs)

type Measured = {
  /** Of each process: calls that were answered before the change was asked for. */
  before: readonly SteadyCall[][]
  /** Of each process: calls that were sent when it had to know of the change. */
  late: readonly SteadyCall[][]
  rate: number
  /** From the answer to the change until the last call was sent that was accepted. */
  lastAcceptedMs: number
}

/** Makes a change under load and carries on until each process has answered enough calls that count. */
async function measure(
  world: World,
  credentials: readonly string[],
  change: () => Promise<readonly string[]>,
): Promise<Measured> {
  const arrivedBefore = world.arrived()
  let current = credentials
  let turn = 0
  const loads = startLoads(world, () => current[turn++ % current.length] ?? '')
  await Promise.all(loads.map((load) => load.untilAnswered(callsAtLeast, 0)))
  const before = loads.map(({ calls }) => structuredClone(calls.filter(({ status }) => status > 0)))
  current = await change()
  const changedMs = performance.now()
  await Promise.all(
    loads.map((load, process) => load.untilAnswered(callsAtLeast, changedMs + delayOf(process))),
  )
  const rate = await stopAll(loads)
  const accepted = loads.flatMap(({ calls }) => calls.filter(({ status }) => status === 200))
  assert.equal(world.arrived() - arrivedBefore, accepted.length, 'none reached the provider but the accepted')
  return {
    before,
    late: loads.map(({ calls }, process) =>
      calls.filter(({ sentMs }) => sentMs > changedMs + delayOf(process)),
    ),
    rate,
    lastAcceptedMs: Math.max(0, ...accepted.map(({ sentMs }) => sentMs - changedMs)),
  }
}

function assertAllAnswered(status: number, ofProcesses: readonly (readonly SteadyCall[])[]): void {
  for (const [process, calls] of ofProcesses.entries()) {
    const others = calls.filter((call) => call.status !== status)
    const statuses = new Set(others.map((call) => call.status))
    const told = `process ${process}: ${others.length} of ${calls.length} calls were answered ${[...statuses]}`
    assert.ok(calls.length >= callsAtLeast && others.length === 0, told)
  }
}

for (const [count, where] of [
  [1, 'one process'],
  [2, 'two processes'],
] as const) {
  test(`under load, a revocation holds from its answer on, on ${where}`, options, async (t) => {
    const world = await startWorld(t, count)
    const [near] = world.gateways
    for (const kind of ['key', 'device', 'client'] as const) {
      await t.test(`a revoked ${kind} is refused, and works again when reactivated`, async (t) => {
        const { credentials, revoke, reactivate } = (await makeHolder(near, kind))[kind]
        const revoked = await measure(world, credentials, revoke)
        assertAllAnswered(200, revoked.before)
        assertAllAnswered(401, revoked.late)
        const again = await measure(world, credentials, reactivate)
        assertAllAnswered(401, again.before)
        assertAllAnswered(200, again.late)
        const last = `last accepted call sent ${revoked.lastAcceptedMs.toFixed(1)} ms after the revocation's answer`
        t.diagnostic(`${revoked.rate} and ${again.rate} calls/s; ${last}`)
      })
    }

    await t.test('one credential among the refused that still works would be noticed', async () => {
      const { key, device } = await makeHolder(near, 'both')
      const credentials = [...key.credentials, ...device.credentials]
      const { late } = await measure(world, credentials, () => device.revoke().then(() => credentials))
      for (const calls of late) {
        assert.throws(() => assertAllAnswered(401, [calls]), /calls were answered 200$/)
        assert.throws(() => assertAllAnswered(200, [calls]), /calls were answered 401$/)
      }
    })
  })
}

test(
  'ten rotations of the signing key under load refuse no device token on two processes',
  options,
  async (t) => {
    const world = await startWorld(t, 2)
    const { authenticate } = await makeHolder(world.gateways[0], 'acme')
    const newTokens = () => Promise.all(world.gateways.map(authenticate))
    const used = await newTokens()
    const kept: string[] = []
    let turn = 0
    // Every other call carries one of the two newest tokens: its process may not have heard yet of the key that signed it.
    const loads = startLoads(world, () => {
      const place = turn++ >> 1
      return (turn % 2 === 0 ? used.at(-1 - (place % 2)) : used[place % used.length]) ?? ''
    })
    for (let rotation = 0; rotation < 10; rotation++) {
      kept.push(...(await newTokens()))
      const rotating = rotateSigningKey(world.env)
      used.push(...(await newTokens()))
      const kid = await rotating
      await eventually('both processes signing with the new key', async () => {
        const made = await newTokens()
        used.push(...made)
        return made.every((token) => kidOf(token) === kid)
      })
      const rotatedMs = performance.now()
      await Promise.all(loads.map((load) => load.untilAnswered(callsAtLeast, rotatedMs)))
    }
    // Known to no process until now, and signed with keys that have retired.
    used.push(...kept)
    await eventually('each token used on each process', () =>
      loads.every(({ calls }) => new Set(calls.map(({ credential }) => credential)).size === used.length),
    )
    t.diagnostic(`${await stopAll(loads)} calls/s with ${used.length} tokens`)
    const calls = loads.map((load) => load.calls)
    assertAllAnswered(200, calls)
  },
)

/** By command; answers the id of the new key. */
async function rotateSigningKey(env: Environment): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await runCommand(['jwt', 'rotate'], { env })
  assert.equal(exitCode, 0, stderr)
  return /new key ([0-9a-f]{8})/.exec(stdout)?.[1]
}

function kidOf(token: string): string {
  const [head = ''] = token.split('.', 1)
  const header: { kid: string } = JSON.parse(Buffer.from(head, 'base64url').toString())
  return header.kid
}
