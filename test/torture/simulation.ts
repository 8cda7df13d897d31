// Proof: thousands of seeded histories of the binding decision keep their invariants; a seed that does not is printed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { repository } from '../support/gateway.ts'
import type { Proof } from './report.ts'

const historiesShort = 300
const historiesLong = 10_000

export const provesSimulation: Proof = {
  name: 'simulation',
  async run(prove, { short, seed }) {
    const histories = short ? historiesShort : historiesLong
    await prove(
      `${histories} seeded histories: no blocked call passes, every change holds in time`,
      (trial) => tell(histories, seed, trial.note),
    )
  },
}

async function tell(histories: number, seed: number, note: (figure: string) => void): Promise<void> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['server/bindings/simulation.test.ts'], {
    cwd: repository,
    env: { ...process.env, SALLYPORT_SIMULATIONS: String(histories), SALLYPORT_SEED: String(seed) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const output = await text(child.stdout)
  const [exitCode] = await ended
  const failing = /seed \d+:[^\n']*/.exec(output)?.[0]
  assert.equal(exitCode, 0, failing ? `add to keptSeeds: ${failing}` : output)
  const minutes = (performance.now() - startedMs) / 60_000
  note(`seeds ${seed} to ${seed + histories - 1}`)
  note(`${Math.round(histories / minutes)} histories a minute`)
}
