// P6, P7: server-sent events: delay and memory with thousands of open streams, and what one forwarded event costs.
import { freePort } from '../test/support/gateway.ts'
import type { Scope } from '../test/support/scope.ts'
import { cpuSeconds, loadProgram, memoryMb, runLoad, startProcess } from './measured-process.ts'
import { benchToken, type Peer, startNginxProxy, startSallyport } from './peers.ts'
import { atMost, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'

type Load = { streams: number; settleSeconds: number; seconds: number }
type Delays = { events: number; p50Ms: number; p99Ms: number }

const manyStreams = { streams: 5000, periodMs: 2000, settleSeconds: 3, seconds: 8 }
const busyStreams = { streams: 200, periodMs: 20, settleSeconds: 2, seconds: 5 }

export async function measureManyStreams(scope: Scope): Promise<ResultRow[]> {
  const upstream = await startEvents(scope, manyStreams.periodMs)
  const gateway = await startSallyport(scope, upstream.url)
  const idleMb = memoryMb(gateway.pid).now
  const peaksMb: number[] = []
  const medianOf = await takeTurns([upstream, gateway], async (subject) => {
    const delays = await readStreams(subject.url, manyStreams)
    if (subject === gateway) peaksMb.push(memoryMb(gateway.pid).peak)
    return delays
  })
  const [direct, through] = [medianOf(upstream.name), medianOf(gateway.name)]
  // Later turns stand on what V8 has not collected yet of the turns before.
  const [openMb = Number.NaN] = peaksMb
  const story = `idle ${idleMb.toFixed(0)} MB; all closed and opened twice more: ${peaksMb.at(-1)?.toFixed(0)} MB`
  const addedMs = through.p99Ms - direct.p99Ms
  return [
    {
      id: 'P6',
      figure: `added delay p99 of an event, ${manyStreams.streams} streams (${through.p99Ms.toFixed(1)} − ${direct.p99Ms.toFixed(1)} ms)`,
      ...atMost(addedMs, 20, 'ms', 1),
    },
    { id: 'P6', figure: `memory with all of them open (${story})`, ...atMost(openMb, 300, 'MB') },
  ]
}

export async function measureEventCost(scope: Scope): Promise<ResultRow[]> {
  const upstream = await startEvents(scope, busyStreams.periodMs)
  const nginx = await startNginxProxy(scope, upstream.url)
  const gateway = await startSallyport(scope, upstream.url)
  const medianOf = await takeTurns([nginx, gateway], async (peer) => {
    const usedBefore = cpuSeconds(peer.pid)
    const { seconds, settleSeconds } = busyStreams
    const { events } = await readStreams(peer.url, busyStreams)
    // The streams speak while they settle as well.
    const all = events * ((seconds + settleSeconds) / seconds)
    return { perEventMicros: ((cpuSeconds(peer.pid) - usedBefore) / all) * 1e6 }
  })
  const [theirs, ours] = [medianOf('nginx').perEventMicros, medianOf('sallyport').perEventMicros]
  const figure = `CPU of an event ÷ nginx (${ours.toFixed(1)} ÷ ${theirs.toFixed(1)} µs)`
  return [{ id: 'P7', figure, ...atMost(ours / theirs, 2.5, '', 2) }]
}

async function startEvents(scope: Scope, periodMs: number): Promise<Pick<Peer, 'name' | 'url'>> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const command = loadProgram('sse-upstream.ts', { port, periodMs })
  const folder = await scope.folder()
  await startProcess(scope, { name: 'events', core: 'load', folder, command, readyUrl: url })
  return { name: 'upstream', url }
}

async function readStreams(url: string, load: Load): Promise<Delays> {
  const settings = { url: `${url}/v1/chat/completions`, token: benchToken, ...load }
  return JSON.parse(await runLoad(loadProgram('sse-load.ts', settings))) as Delays
}
