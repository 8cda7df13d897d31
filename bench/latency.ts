// P4: what the gateway adds to the latency of a call at a pace far below its limit.
import type { Scope } from '../test/support/scope.ts'
import { loadProgram, runLoad } from './measured-process.ts'
import { benchToken, startSallyport, startUpstream } from './peers.ts'
import { atMost, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'

const callsPerSecond = 500
const warmUpSeconds = 2
const turnSeconds = 6

export async function measureLatency(scope: Scope): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const gateway = await startSallyport(scope, upstream.url)
  const pace = async (url: string, seconds: number) => {
    const settings = { url: `${url}/v1/chat/completions`, token: benchToken, callsPerSecond, seconds }
    return JSON.parse(await runLoad(loadProgram('paced-load.ts', settings))) as {
      p50Ms: number
      p99Ms: number
    }
  }
  for (const { url } of [upstream, gateway]) await pace(url, warmUpSeconds)
  const medianOf = await takeTurns([upstream, gateway], ({ url }) => pace(url, turnSeconds))
  const [direct, through] = [medianOf(upstream.name), medianOf(gateway.name)]
  const row = (share: 'p50Ms' | 'p99Ms', name: string, goalMs: number): ResultRow => ({
    id: 'P4',
    figure: `added latency at ${callsPerSecond}/s, ${name} (${through[share].toFixed(2)} − ${direct[share].toFixed(2)} ms)`,
    ...atMost(through[share] - direct[share], goalMs, 'ms', 2),
  })
  return [row('p50Ms', 'p50', 0.25), row('p99Ms', 'p99', 1.0)]
}
