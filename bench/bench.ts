// `npm run bench`: measures the gateway beside its peers in one run; prints a table and writes JSON. `-- --only P1,P4` picks rows.
import { parseArgs } from 'node:util'
import { openScope, type Scope } from '../test/support/scope.ts'
import { measureBodies } from './bodies.ts'
import { measureInvoices } from './invoices.ts'
import { measureLatency } from './latency.ts'
import { measureLedger } from './ledger.ts'
import { measureManyBindings } from './many-bindings.ts'
import { measureMeteredCalls } from './metered-calls.ts'
import { MissingError, requireTool } from './peers.ts'
import { printTable, type ResultRow, writeResults } from './report.ts'
import { measureStart } from './start.ts'
import { measureEventCost, measureManyStreams } from './streams.ts'
import { measureThroughput } from './throughput.ts'
import { measureVideo } from './video.ts'

/** Starts what it needs in `scope` and answers its rows; `wanted` tells which of its figures somebody asked for. */
export type Measure = (scope: Scope, wanted: (id: string) => boolean) => Promise<ResultRow[]>

const experiments: readonly { ids: readonly string[]; title: string; measure: Measure }[] = [
  { ids: ['P1', 'P2'], title: 'throughput beside nginx and others', measure: measureThroughput },
  { ids: ['P3'], title: 'metered calls beside calls passed through', measure: measureMeteredCalls },
  { ids: ['P4'], title: 'added latency', measure: measureLatency },
  { ids: ['P5', 'LISTS'], title: 'a million bindings', measure: measureManyBindings },
  { ids: ['P6'], title: '5,000 open streams', measure: measureManyStreams },
  { ids: ['P7'], title: 'cost of a forwarded event', measure: measureEventCost },
  { ids: ['P8'], title: 'bodies of 100 MB', measure: measureBodies },
  { ids: ['P11'], title: 'the ledger', measure: measureLedger },
  { ids: ['P10', 'VIDEO'], title: 'frames of cameras', measure: measureVideo },
  { ids: ['P12'], title: 'weekly invoices', measure: measureInvoices },
  { ids: ['P13'], title: 'start and idle memory', measure: measureStart },
]

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const picked = values.only?.toUpperCase().split(',')
const wanted = (id: string) => picked === undefined || picked.includes(id)
const startedAt = new Date()
const rows: ResultRow[] = []
for (const { ids, title, measure } of experiments) {
  if (!ids.some(wanted)) continue
  console.log(`${ids.join(', ')}: ${title} …`)
  const beganAt = performance.now()
  rows.push(...(await runExperiment(ids, measure)))
  console.log(`  took ${((performance.now() - beganAt) / 1000).toFixed(0)} s`)
}
printTable(rows)
const minutes = (Date.now() - startedAt.getTime()) / 60_000
console.log(`\n${minutes.toFixed(1)} min; written to ${writeResults(rows, startedAt)}`)

/** What the machine lacks, or what broke, is a row as well; the other experiments go on. */
async function runExperiment(ids: readonly string[], measure: Measure): Promise<ResultRow[]> {
  const closers: (() => Promise<void>)[] = []
  const scope = openScope({ after: (close) => closers.push(close) })
  try {
    requireTool('taskset', 'Debian package util-linux')
    requireTool('wrk')
    return await measure(scope, wanted)
  } catch (error) {
    const isMissing = error instanceof MissingError
    if (!isMissing) console.error(error)
    const measured = isMissing ? `skipped: ${error.message}` : 'failed'
    return [{ id: ids.join(', '), figure: '', goal: '', measured, met: isMissing ? null : false }]
  } finally {
    for (const close of closers.reverse()) await close()
  }
}
