// Thousands of seeded histories of the binding decision under delays, losses, outages and restarts.
// A history that breaks an invariant prints its seed: add it to `keptSeeds`, so that it is told again for ever.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { BindingCall } from './bindings.ts'
import { addresses, couldAllow } from './simulation-history.ts'
import { createProcess } from './simulation-process.ts'
import { World } from './simulation-world.ts'

const historiesDefault = 400
const histories = Number(process.env.SALLYPORT_SIMULATIONS ?? historiesDefault)
/** Seeds that once failed. */
const keptSeeds = [92, 240, 402, 2800, 3100]

test(`${histories} histories: no blocked call passes, and every change holds within its bound`, async () => {
  const base = Number(process.env.SALLYPORT_SEED ?? 1)
  const seeds = [...keptSeeds, ...Array.from({ length: histories }, (_, index) => base + index)]
  const worker = new Worker(new URL('./simulation-worker.ts', import.meta.url), { workerData: seeds })
  const [told] = await once(worker, 'message')
  assert.equal(told, seeds.length)
})

test('the simulation notices a decision that follows an old rule', async () => {
  const world = new World(1)
  const options = { redis: false, failsafe: 'closed' as const }
  const process = createProcess(world, options)
  const [first, second] = addresses
  assert.ok(first && second)
  const call: BindingCall = {
    digest: 'a',
    tokenDisplay: 'a',
    address: first,
    method: 'GET',
    path: '/',
    requestId: 'r',
  }
  const running = process.decide(call)
  await world.scheduler.runUntil(3000)
  assert.equal((await running).outcome, 'allowed')
  const row = world.rows.get('a')
  assert.ok(row)
  world.put('a', { ...row, status: 'banned' })
  assert.equal(couldAllow(world.history.get('a') ?? [], call, 4500, 4600), false)
  assert.equal(couldAllow(world.history.get('a') ?? [], call, 2500, 4600), true)
  assert.equal(couldAllow(world.history.get('a') ?? [], { ...call, address: second }, 2000, 4600), false)
  process.kill()
})
