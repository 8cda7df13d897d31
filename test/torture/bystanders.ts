// Ordinary calls beside an attack: how long they take compared with quiet times, and what the attack costs in memory.
import assert from 'node:assert/strict'
import type { Gateway } from '../support/gateway.ts'
import { newToken } from '../support/tokens.ts'
import { callOnce, countStatuses, type Order, percentile, type Sample, startLoad } from './load.ts'
import { residentBytes } from './process-tree.ts'
import { LateError, type Trial } from './report.ts'

const callsPerSecond = 100
const directCallsPerSecond = 50
const quietMs = 2000
/** An attack that is over sooner is still looked at this long. */
const attackMsMin = 2000
/** Below this a machine that others use tells nothing by its 99th percentile. */
const floorMs = 25
const sampleMs = 100
const address = '203.0.113.7'

export type Attack = {
  trial: Trial
  /** What comes before the time that is measured; its memory counts. */
  prepare?: () => Promise<unknown>
  /** Resolves when the attack is over. */
  attack: () => Promise<unknown>
  /** Memory that the gateway may take for it. */
  growthBytesMax: number
}

export type Bystanders = {
  /**
   * Others' 99th percentile at most doubles during the attack, every call is answered, and memory stays in its bound.
   * What the machine and the upstream themselves add meanwhile is known from calls that go to the upstream directly:
   * a call through the gateway meets it twice.
   */
  assertUndisturbed(attack: Attack): Promise<void>
}

type Target = { gateway: Gateway; upstreamUrl: string }
type Measured = { through: readonly Sample[]; direct: readonly Sample[]; growthBytes: number }

/** Measures the quiet time first. */
export async function openBystanders(target: Target): Promise<Bystanders> {
  const orders = Array.from({ length: 20 }, () => ({ kind: 'bystander', token: newToken(), address }))
  for (const order of [...orders, ...orders]) await callOnce(target.gateway.url, order)
  const quiet = startLoad({ url: target.gateway.url, perSecond: callsPerSecond, next: rotate(orders) })
  await quiet.carryOn(quietMs)
  const quietP99 = p99Of(await quiet.stop())
  return {
    async assertUndisturbed(attack) {
      const { through, direct, growthBytes } = await measureBeside(target, rotate(orders), attack)
      const [p99, directP99] = [p99Of(through), p99Of(direct)]
      attack.trial.note(`others' p99 ${quietP99.toFixed(1)} → ${p99.toFixed(1)} ms`)
      attack.trial.note(`direct ${directP99.toFixed(1)} ms`)
      attack.trial.note(`memory +${(growthBytes / 1024 / 1024).toFixed(1)} MB`)
      assert.ok(
        through.every(({ status }) => status === 200),
        countStatuses(through),
      )
      assert.ok(growthBytes <= attack.growthBytesMax, `memory grew by ${growthBytes} bytes`)
      const limitMs = Math.max(2 * quietP99, floorMs) + 2 * directP99
      if (p99 > limitMs) {
        throw new LateError(`others' p99 was ${p99.toFixed(1)} ms, ${limitMs.toFixed(1)} at most`)
      }
    },
  }
}

async function measureBeside(
  { gateway, upstreamUrl }: Target,
  next: () => Order[],
  { prepare, attack }: Attack,
): Promise<Measured> {
  const startBytes = residentBytes(gateway.pid)
  await prepare?.()
  let peakBytes = residentBytes(gateway.pid)
  const meter = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(gateway.pid))
  }, sampleMs)
  const through = startLoad({ url: gateway.url, perSecond: callsPerSecond, next })
  const direct = startLoad({ url: upstreamUrl, perSecond: directCallsPerSecond, next })
  try {
    await Promise.all([attack(), through.carryOn(attackMsMin)])
  } finally {
    clearInterval(meter)
    await Promise.all([through.stop(), direct.stop()])
  }
  return { through: through.samples, direct: direct.samples, growthBytes: peakBytes - startBytes }
}

function p99Of(samples: readonly Sample[]): number {
  return percentile(
    samples.map(({ waitMs }) => waitMs),
    0.99,
  )
}

function rotate<T>(items: readonly T[]): () => T[] {
  let index = 0
  return () => items.slice(index % items.length, (index++ % items.length) + 1)
}
