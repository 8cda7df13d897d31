// `npm run torture`: faults, kills, hostile peers and exhaustion against real processes; everything it starts is its own.
import { parseArgs } from 'node:util'
import { provesEngines } from './engines.ts'
import { provesExhaustion } from './exhaustion.ts'
import { provesHostileUpstreams } from './hostile-upstreams.ts'
import { provesKills } from './kills.ts'
import { provesLedger } from './ledger.ts'
import { signalDescendants } from './process-tree.ts'
import { abandon, createReport, type Proof } from './report.ts'
import { provesRotation } from './rotation.ts'
import { provesSimulation } from './simulation.ts'
import { provesSlowPeers } from './slow-peers.ts'

const proofs: readonly Proof[] = [
  ...[provesSimulation, provesEngines, provesKills, provesRotation, provesLedger],
  ...[provesSlowPeers, provesHostileUpstreams, provesExhaustion],
]

const usage = `Usage: npm run torture -- [--short] [--only NAME] [--seed N]
  --short      fewer rounds, under four minutes
  --only NAME  one proof: ${proofs.map(({ name }) => name).join(', ')}
  --seed N     the random choices of an earlier run`

// Whatever ends the run, also a signal in the middle: no engine and no gateway of ours outlives it.
process.once('exit', () => signalDescendants('SIGKILL'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void abandon().finally(() => process.exit(130)))
}

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) {
    console.error(usage)
    return 64
  }
  const { chosen, short, seed } = options
  console.log(`torture, ${short ? 'short' : 'long'} form, seed ${seed}\n`)
  const report = createReport()
  for (const proof of chosen) await report.run(proof, { short, seed })
  return report.finish() ? 0 : 1
}

/** Null: the command line is wrong. */
function readOptions() {
  const { values } = parseArgs({
    options: { short: { type: 'boolean' }, only: { type: 'string' }, seed: { type: 'string' } },
  })
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
  const chosen = proofs.filter(({ name }) => values.only === undefined || name === values.only)
  if (chosen.length === 0 || !Number.isSafeInteger(seed)) return null
  return { chosen, short: values.short ?? false, seed }
}
