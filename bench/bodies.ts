// P8: bodies of 100 MB each way: throughput beside nginx, and the memory that they take.
import { freePort } from '../test/support/gateway.ts'
import type { Scope } from '../test/support/scope.ts'
import { loadProgram, memoryMb, resetPeak, startProcess } from './measured-process.ts'
import { benchToken, type Peer, startNginxProxy, startSallyport } from './peers.ts'
import { atLeast, atMost, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'
import { runWrk } from './wrk.ts'

const bodyBytes = 100_000_000
const turnSeconds = 4

export async function measureBodies(scope: Scope): Promise<ResultRow[]> {
  const port = await freePort()
  const command = loadProgram('body-upstream.ts', { port })
  const upstreamUrl = `http://127.0.0.1:${port}`
  const folder = await scope.folder()
  await startProcess(scope, { name: 'bodies', core: 'load', folder, command, readyUrl: upstreamUrl })
  const nginx = await startNginxProxy(scope, upstreamUrl)
  const gateway = await startSallyport(scope, upstreamUrl)
  const rows: ResultRow[] = []
  for (const [direction, transfer] of [
    ['up', upload],
    ['down', download],
  ] as const) {
    await transfer(gateway, 1)
    const idleMb = memoryMb(gateway.pid).now
    resetPeak(gateway.pid)
    const medianOf = await takeTurns([nginx, gateway], async (peer) => ({
      bytesPerSecond: await transfer(peer, turnSeconds),
    }))
    const [theirs, ours] = [medianOf('nginx').bytesPerSecond, medianOf('sallyport').bytesPerSecond]
    const pace = `${(ours / 1e6).toFixed(0)} ÷ ${(theirs / 1e6).toFixed(0)} MB/s`
    rows.push(
      { id: 'P8', figure: `100 MB ${direction} ÷ nginx (${pace})`, ...atLeast(ours / theirs, 0.6) },
      {
        id: 'P8',
        figure: `100 MB ${direction}: peak memory over idle`,
        ...atMost(memoryMb(gateway.pid).peak - idleMb, 32, 'MB'),
      },
    )
  }
  return rows
}

async function upload(peer: Peer, seconds: number): Promise<number> {
  const env = { BODY_BYTES: String(bodyBytes) }
  const report = await runWrk(peer, { seconds, connections: 1, path: '/0', script: 'upload.lua', env })
  return report.requestsPerSecond * bodyBytes
}

async function download(peer: Peer, seconds: number): Promise<number> {
  const headers = { Authorization: `Bearer ${benchToken}` }
  const path = `/${bodyBytes}`
  return (await runWrk(peer, { seconds, connections: 1, path, script: null, headers })).bytesPerSecond
}
