// One seeded history of the binding decision under delays, losses, outages and restarts, judged at its end.
import assert from 'node:assert/strict'
import { parseIpAddress } from '../lib/ip-address.ts'
import type { BindingCall, RecordChange } from './bindings.ts'
import { compileRule } from './rule.ts'
import { createProcess, type SimulatedProcess } from './simulation-process.ts'
import { type Epoch, World } from './simulation-world.ts'

export const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.3'].flatMap(
  (text) => parseIpAddress(text) ?? [],
)
const digests = ['a', 'b']
const historyMs = 12_000
/** Longest time for which another process may still follow the old rule (SPEC §3). */
const staleMsMax = 1000

type Observed = {
  call: BindingCall
  allowed: boolean
  startMs: number
  endMs: number
  process: SimulatedProcess
}
/** `recordedMs`: shortly before its commit. */
type Made = { digest: string; process: SimulatedProcess; recordedMs: number; answeredMs: number }

/** Did any state that a call may follow, from `fromMs` to its end, allow its address? Absence allows: it would be bound. */
export function couldAllow(
  epochs: readonly Epoch[],
  call: BindingCall,
  fromMs: number,
  endMs: number,
): boolean {
  return epochs.some(({ atMs, state }, index) => {
    const untilMs = epochs[index + 1]?.atMs ?? Number.POSITIVE_INFINITY
    if (atMs > endMs || untilMs <= fromMs) return false
    return state === null || (state.status === 'active' && compileRule(state.rule)(call.address))
  })
}

/** Throws, naming the seed, when an invariant of the binding decision is broken. */
export async function tellHistory(seed: number): Promise<void> {
  const world = new World(seed)
  const { random, scheduler } = world
  const { clock } = scheduler
  const options = { redis: seed % 2 === 0, failsafe: 'closed' as const }
  const processes = [createProcess(world, options), createProcess(world, options)]
  const observed: Observed[] = []
  const made: Made[] = []

  const pick = <T>(items: readonly T[]): T => {
    const item = items[random.below(items.length)]
    assert.ok(item !== undefined)
    return item
  }

  async function oneCall(): Promise<void> {
    const process = pick(processes)
    const digest = pick(digests)
    const call: BindingCall = {
      digest,
      tokenDisplay: digest,
      address: pick(addresses),
      method: 'GET',
      path: '/v1/models',
      requestId: 'r',
    }
    const startMs = clock.monotonicMs()
    const decision = await process.decide(call)
    observed.push({
      call,
      allowed: decision.outcome === 'allowed',
      startMs,
      endMs: clock.monotonicMs(),
      process,
    })
    if (decision.outcome === 'allowed' && decision.settle) {
      await scheduler.sleep(random.below(300))
      decision.settle(random.chance(0.3) ? 401 : 200)
    }
  }

  async function oneChange(): Promise<void> {
    const process = pick(processes)
    const digest = pick(digests)
    const row = world.rows.get(digest)
    if (!row) return
    const { changes } = process
    const rule = { mode: 'single' as const, allowedIps: [pick(addresses).text] }
    let recordedMs = 0
    const record: RecordChange = async () => {
      recordedMs = clock.monotonicMs()
    }
    const actions = [
      () => changes.ban(row.id, record),
      () => changes.unban(row.id, record),
      () => changes.unbind(row.id, record),
      () => changes.setRule(row.id, rule, record),
    ]
    try {
      if (await pick(actions)()) made.push({ digest, process, recordedMs, answeredMs: clock.monotonicMs() })
    } catch {
      // An engine was away: the admin was told so, and nothing is promised.
    }
  }

  function oneFault(): void {
    const faults = [
      () => {
        world.databaseUp = false
        clock.after(random.below(3000), () => {
          world.databaseUp = true
        })
      },
      () => {
        world.redisUp = false
        if (random.chance(0.5)) world.redis.clear()
        clock.after(random.below(3000), () => {
          world.redisUp = true
        })
      },
      () => pick(processes).cutNotices(),
      () => {
        const index = random.below(processes.length)
        processes[index]?.kill()
        processes[index] = createProcess(world, options)
      },
    ]
    pick(faults)()
  }

  for (let atMs = 300; atMs < historyMs; atMs += random.below(60)) {
    clock.after(atMs, () => {
      if (random.chance(0.82)) void oneCall()
      else if (random.chance(0.8)) void oneChange()
      else oneFault()
    })
  }
  await scheduler.runUntil(historyMs + 10_000)
  for (const process of processes) process.kill()

  assert.ok(observed.length > 20, 'a history without calls proves nothing')
  for (const { call, allowed, startMs, endMs, process } of observed) {
    const epochs = world.history.get(call.digest) ?? []
    if (!allowed) continue
    assert.ok(
      couldAllow(epochs, call, startMs - staleMsMax, endMs),
      `seed ${seed}: a blocked call passed at ${startMs}–${endMs} ms`,
    )
    // On the process that made a change nothing from before its commit counts any more once it was answered.
    const own = made.filter(
      (change) => change.process === process && change.digest === call.digest && change.answeredMs < startMs,
    )
    const commits = own.map((change) => epochs.find(({ atMs }) => atMs >= change.recordedMs)?.atMs ?? 0)
    assert.ok(
      couldAllow(epochs, call, Math.max(startMs - staleMsMax, ...commits), endMs),
      `seed ${seed}: an answered change did not hold at ${startMs} ms`,
    )
  }
}
