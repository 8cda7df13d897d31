// P1, P2: requests per second of the whole pass-through pipeline beside nginx, Portkey and the seed's design.
import type { Scope } from '../test/support/scope.ts'
import {
  MissingError,
  type Peer,
  startBareNode,
  startNginxProxy,
  startPortkey,
  startSallyport,
  startSeedDesign,
  startUpstream,
} from './peers.ts'
import { atLeast, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'
import { runWrk } from './wrk.ts'

const warmUpSeconds = 2
const turnSeconds = 5
const slower = [
  { name: 'Portkey', goal: 12, start: startPortkey },
  { name: 'seed design', goal: 20, start: startSeedDesign },
]

export async function measureThroughput(scope: Scope, wanted: (id: string) => boolean): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const peers: Peer[] = [
    await startNginxProxy(scope, upstream.url),
    await startSallyport(scope, upstream.url),
    await startBareNode(scope, upstream.url),
  ]
  const missing = new Map<string, string>()
  for (const { name, start } of wanted('P2') ? slower : []) {
    try {
      peers.push(await start(scope, upstream.url))
    } catch (error) {
      if (!(error instanceof MissingError)) throw error
      missing.set(name, error.message)
    }
  }
  for (const peer of peers) await runWrk(peer, { seconds: warmUpSeconds })
  const medianOf = await takeTurns(peers, async (peer) => ({
    perSecond: (await runWrk(peer, { seconds: turnSeconds })).requestsPerSecond,
  }))
  const rate = (name: string) => medianOf(name).perSecond
  const own = rate('sallyport')
  const rows: ResultRow[] = [
    {
      id: 'P1',
      figure: `requests/s ÷ nginx (${tell(own)} ÷ ${tell(rate('nginx'))})`,
      ...atLeast(own / rate('nginx'), 0.32, 3),
    },
    {
      ...{ id: 'P1', figure: 'bare node:http and undici without any check ÷ nginx', goal: '', met: null },
      measured: `${(rate('bare Node') / rate('nginx')).toFixed(3)} (${tell(rate('bare Node'))})`,
    },
  ]
  for (const { name, goal } of wanted('P2') ? slower : []) {
    const reason = missing.get(name)
    const figure = `requests/s ÷ ${name}`
    if (reason !== undefined)
      rows.push({ id: 'P2', figure, goal: `≥ ${goal}`, measured: `skipped: ${reason}`, met: null })
    else
      rows.push({
        id: 'P2',
        figure: `${figure} (${tell(rate(name))})`,
        ...atLeast(own / rate(name), goal, 1),
      })
  }
  return rows
}

function tell(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en')
}
