// Proof: with a full disk, without file descriptors and on a small heap the gateway goes on, says so, and recovers by itself.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { InterceptItem } from '@sallyport/contract'
import { call, openSocket } from '../support/call.ts'
import { eventually } from '../support/eventually.ts'
import { type Gateway, repository, startGateway } from '../support/gateway.ts'
import { type Environment, testSecrets } from '../support/storage.ts'
import { newToken } from '../support/tokens.ts'
import { openHostileServer } from './hostile-server.ts'
import { callOnce, countStatuses, startLoad } from './load.ts'
import { assertNoWrongPass, settlePopulation } from './population.ts'
import { createDatabase, openPostgres } from './private-engine.ts'
import { residentBytes } from './process-tree.ts'
import { createRandom, type Random } from './random.ts'
import type { Proof, Trial } from './report.ts'
import { fillFile, mountSmallDisk } from './small-disk.ts'

const reliefMs = 10_000
const home = '203.0.113.7'
const callsPerSecond = 100
/** More than a block of the file system holds, whatever was free in its last one. */
const refusalsOnFullDisk = 60
const descriptorsMax = 256
const idleConnections = 400
const heapMegabytes = 256
const heavyBodies = 500
const heavyBodyBytes = 60_000
const megabyte = 1024 * 1024

type Ground = { trial: Trial; env: Environment; random: Random }

export const provesExhaustion: Proof = {
  name: 'exhaustion',
  async run(prove, { short, seed }, scope) {
    const postgres = await openPostgres(scope)
    const upstream = await openHostileServer(scope)
    const prepare = async (trial: Trial, database: string): Promise<Ground> => ({
      trial,
      random: createRandom(seed),
      env: {
        ...testSecrets,
        PG_DSN: await createDatabase(postgres, database),
        DOWNSTREAM_URL: upstream.url,
        BIND_NEW_PER_MINUTE: '0',
        LOG_LEVEL: 'warn',
      },
    })
    await prove('disk full: calls are still decided, it is logged, the journal returns', async (trial) =>
      fillDisk(await prepare(trial, 'disk')),
    )
    await prove(
      `${descriptorsMax} file descriptors: no crash, it is logged, service returns`,
      async (trial) => useUpDescriptors(await prepare(trial, 'descriptors')),
    )
    await prove(`heap of ${heapMegabytes} MB under heavy load: no crash, service returns`, async (trial) =>
      crowdHeap(await prepare(trial, 'heap'), short ? 5000 : 60_000),
    )
  },
}

async function fillDisk({ trial, env, random }: Ground): Promise<void> {
  const { scope, note } = trial
  const dataDir = await mountSmallDisk(scope)
  const gateway = await startGateway(scope, { env: { ...env, DATA_DIR: dataDir } })
  const token = newToken()
  const useFrom = (address: string) => callOnce(gateway.url, { kind: 'disk', token, address })
  assert.equal((await useFrom(home)).status, 200)
  const filler = join(dataDir, 'filler')
  fillFile(filler)
  for (let count = 0; count < refusalsOnFullDisk; count++) {
    assert.equal((await useFrom(`10.2.${random.below(250)}.${count}`)).status, 403)
  }
  assert.equal((await useFrom(home)).status, 200)
  const health = await call(`${gateway.url}/health/ready`)
  assert.match(health.text, /"journal":\{"state":"down"/, 'readiness tells of it')
  await untilLogged(gateway, 'the journal cannot be written')
  rmSync(filler)
  note(`whole again after ${(await untilWhole(gateway)).toFixed(0)} ms`)
  const { status, requestId } = await useFrom('10.3.0.1')
  assert.equal(status, 403)
  await eventually('the next intercept in the log', async () => {
    const { items } = (await gateway.admin('GET', '/logs')).json() as { items: InterceptItem[] }
    return items.some(({ request_id }) => request_id === requestId)
  })
}

async function useUpDescriptors({ trial, env, random }: Ground): Promise<void> {
  const { scope, note } = trial
  const checkout = await scope.folder()
  const script = `#!/bin/sh\nulimit -n ${descriptorsMax}\nexec '${join(repository, 'sallyport')}' "$@"\n`
  writeFileSync(join(checkout, 'sallyport'), script, { mode: 0o755 })
  const gateway = await startGateway(scope, { env, checkout })
  const { next } = await settlePopulation(gateway, random)
  const load = startLoad({ url: gateway.url, perSecond: callsPerSecond, next })
  await load.carryOn(500)
  const sockets = Array.from({ length: idleConnections }, () =>
    openSocket(gateway.url).on('error', () => null),
  )
  const shortMs = performance.now()
  scope.defer(() => sockets.map((socket) => socket.destroy()))
  await load.carryOn(2000)
  const during = (await load.stop()).filter(({ startedMs }) => startedMs > shortMs)
  assertNoWrongPass(during.filter(({ status }) => status !== 0 && status < 500))
  await untilLogged(gateway, 'file descriptors are few')
  await untilLogged(gateway, 'connections are turned away')
  assert.ok(
    during.some(({ status }) => status === 200),
    'who was connected before is still served',
  )
  for (const socket of sockets) socket.destroy()
  note(`meanwhile ${countStatuses(during)}`)
  note(`whole again after ${(await untilWhole(gateway)).toFixed(0)} ms`)
}

/** The log comes through a pipe, and may be read after an answer that was given later. */
async function untilLogged(gateway: Gateway, text: string): Promise<void> {
  await eventually(`"${text}" in the log`, () => gateway.output().includes(text))
}

async function crowdHeap({ trial, env, random }: Ground, loadMs: number): Promise<void> {
  const { scope, note } = trial
  const options = { NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` }
  const gateway = await startGateway(scope, { env: { ...env, ...options } })
  const { next } = await settlePopulation(gateway, random)
  const sockets = Array.from({ length: heavyBodies }, () => openHeavyUpload(gateway.url))
  scope.defer(() => sockets.map((socket) => socket.destroy()))
  // Tokens that were never seen cost most: each is looked up, bound and remembered.
  const fresh = () => ({ kind: 'new', token: newToken(), address: home })
  const load = startLoad({
    url: gateway.url,
    perSecond: 4 * callsPerSecond,
    next: () => [...next(), fresh(), fresh(), fresh()],
  })
  await load.carryOn(loadMs)
  const during = await load.stop()
  assertNoWrongPass(during)
  note(`${during.length} calls beside ${heavyBodies} unfinished uploads`)
  note(`${(residentBytes(gateway.pid) / megabyte).toFixed(0)} MB resident`)
  for (const socket of sockets) socket.destroy()
  note(`whole again after ${(await untilWhole(gateway)).toFixed(0)} ms`)
}

/** An upload that stops just before its end, all of it held by the gateway. */
function openHeavyUpload(url: string): Socket {
  const socket = openSocket(url).on('error', () => null)
  const head = `POST /v1/chat HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${newToken()}\r\n`
  socket.write(`${head}Content-Length: ${heavyBodyBytes}\r\n\r\n${'x'.repeat(heavyBodyBytes - 1)}`)
  return socket
}

/** How long it takes after relief until every engine is used again and a new token is bound. */
async function untilWhole(gateway: Gateway): Promise<number> {
  const startedMs = performance.now()
  await eventually(
    'the gateway being whole again',
    async () => {
      const health = await call(`${gateway.url}/health/ready`)
      const bound = await callOnce(gateway.url, { kind: 'new', token: newToken(), address: home })
      return (health.json() as { status: string }).status === 'ready' && bound.status === 200
    },
    reliefMs,
  )
  return performance.now() - startedMs
}
