// Ordinary calls beside an attack: how long they take compared with quiet times, and what the attack costs in memory.
import assert from 'node:assert/strict'
import type { Gateway } from '../support/gateway.ts'
import { newToken } from '../support/tokens.ts'
import { callOnce, countStatuses, type Order, percentile, type Sample, startLoad } from './load.ts'
import { residentBytes } from './process-tree.ts'
import { LateError, type Trial } from './report.ts'

const callsPerSecond = 100
const quietMs = 2000
/** An attack that is over sooner is still looked at this long. */
const attackMsMin = 2000
/** Below this a machine that others use tells nothing by its 99th percentile. */
const floorMs = 50
const sampleMs = 100
const address = '203.0.113.7'

export type Attack = {
  trial: Trial
  gateway: Gateway
  /** What comes before the time that is measured; its memory counts. */
  prepare?: (() => Promise<unknown>) | undefined
  /** Resolves when the attack is over. */
  attack: () => Promise<unknown>
  /** Memory that the gateway may take for it. */
  growthBytesMax: number
}

/** Others' 99th percentile at most doubles while `attack` runs, every call is answered, and memory stays in its bound. */
export async function assertUndisturbed({
  trial,
  gateway,
  prepare,
  attack,
  growthBytesMax,
}: Attack): Promise<void> {
  const tokens = Array.from({ length: 20 }, newToken)
  const next = () => tokens.map((token) => ({ kind: 'bystander', token, address }))
  for (const order of [...next(), ...next()]) await callOnce(gateway.url, order)
  const quiet = startLoad({ url: gateway.url, perSecond: callsPerSecond, next: rotate(next()) })
  await quiet.carryOn(quietMs)
  const quietP99 = percentile(
    (await quiet.stop()).map(({ waitMs }) => waitMs),
    0.99,
  )

  const startBytes = residentBytes(gateway.pid)
  let peakBytes = startBytes
  const meter = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(gateway.pid))
  }, sampleMs)
  const samples = await measureBeside(gateway, rotate(next()), { prepare, attack }).finally(() =>
    clearInterval(meter),
  )
  const p99 = percentile(
    samples.map(({ waitMs }) => waitMs),
    0.99,
  )
  const growthBytes = peakBytes - startBytes
  trial.note(`others' p99 ${quietP99.toFixed(1)} → ${p99.toFixed(1)} ms`)
  trial.note(`memory +${(growthBytes / 1024 / 1024).toFixed(1)} MB`)
  assert.ok(
    samples.every(({ status }) => status === 200),
    countStatuses(samples),
  )
  assert.ok(growthBytes <= growthBytesMax, `memory grew by ${growthBytes} bytes, ${growthBytesMax} at most`)
  const limitMs = Math.max(2 * quietP99, floorMs)
  if (p99 > limitMs)
    throw new LateError(`others' p99 was ${p99.toFixed(1)} ms, ${limitMs.toFixed(1)} at most`)
}

async function measureBeside(
  { url }: Gateway,
  next: () => Order[],
  { prepare, attack }: Pick<Attack, 'prepare' | 'attack'>,
): Promise<readonly Sample[]> {
  await prepare?.()
  const load = startLoad({ url, perSecond: callsPerSecond, next })
  try {
    await Promise.all([attack(), load.carryOn(attackMsMin)])
  } finally {
    await load.stop()
  }
  return load.samples
}

function rotate<T>(items: readonly T[]): () => T[] {
  let index = 0
  return () => items.slice(index % items.length, (index++ % items.length) + 1)
}
