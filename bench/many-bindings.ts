// P5: traffic with a million bindings beside a hundred; LISTS: the admin's lists and the export over as many rows.
import { createKeyedDigest } from '../server/lib/keyed-digest.ts'
import { Secret } from '../server/lib/secret.ts'
import { call } from '../test/support/call.ts'
import { eventually } from '../test/support/eventually.ts'
import { openFolder } from '../test/support/gateway.ts'
import type { Scope } from '../test/support/scope.ts'
import { fillBindings, fillIntercepts } from './fill-database.ts'
import { memoryMb, releaseCores } from './measured-process.ts'
import { gatewayEnvironment, type Peer, startSallyport, startUpstream } from './peers.ts'
import { atLeast, atMost, type ResultRow } from './report.ts'
import { median, takeTurns } from './rounds.ts'
import { runWrk } from './wrk.ts'

type Crowd = Peer & { tokens: number; folder: string }
type Looks = { firstMs: number; laterMs: number }

const few = { name: 'a hundred', bindings: 100, tokens: 100 }
const many = { name: 'a million', bindings: 1_000_000, tokens: 10_000 }
const warmUpSeconds = 3
const turnSeconds = 5
const startsOfLists = 3
const pageMsMax = 100

export async function measureManyBindings(
  scope: Scope,
  wanted: (id: string) => boolean,
): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const rows: ResultRow[] = []
  const crowded = await startCrowd(scope, upstream.url, many)
  if (wanted('P5')) {
    const crowds = [await startCrowd(scope, upstream.url, few), crowded]
    for (const crowd of crowds) await sendFrom(crowd, warmUpSeconds)
    const medianOf = await takeTurns(crowds, async (crowd) => ({
      perSecond: await sendFrom(crowd, turnSeconds),
    }))
    const share = medianOf(many.name).perSecond / medianOf(few.name).perSecond
    rows.push({ id: 'P5', figure: 'requests/s, 1,000,000 bindings ÷ 100', ...atLeast(share, 0.95) })
  }
  if (wanted('LISTS')) rows.push(...(await measureLists(scope, upstream.url, crowded)))
  return rows
}

async function startCrowd(scope: Scope, upstreamUrl: string, crowd: typeof few): Promise<Crowd> {
  const folder = await openFolder(scope)
  const digest = createKeyedDigest(new Secret(gatewayEnvironment.SENTINEL_HMAC_SECRET))
  const digests = Array.from({ length: crowd.tokens }, (_, index) => digest(`${index + 1}`.padStart(48, '0')))
  await fillBindings(folder, digests, crowd.bindings)
  if (crowd === many) await fillIntercepts(folder, crowd.bindings)
  const peer = await startSallyport(scope, upstreamUrl, { name: crowd.name, folder })
  return { ...peer, tokens: crowd.tokens }
}

async function sendFrom(crowd: Crowd, seconds: number): Promise<number> {
  const env = { TOKENS: String(crowd.tokens) }
  return (await runWrk(crowd, { seconds, script: 'many-tokens.lua', env })).requestsPerSecond
}

/** The first of a filter is looked at before anybody has counted what it matches; some of these lie near the end. */
const lists = [
  '/dashboard',
  '/bindings',
  '/bindings?page=25000',
  '/bindings?page=50000',
  '/bindings?page=500&page_size=200',
  '/bindings?status=banned',
  '/bindings?status=active&page=49500',
  '/bindings?status=active&page=20000',
  '/bindings?mode=single&page=44900',
  '/bindings?mode=multiple&page=2000',
  '/bindings?mode=multiple&page=3500',
  '/bindings?mode=single&status=active&page=44500',
  '/bindings?mode=single&status=active&page=12345',
  '/bindings?q=sk-00',
  '/bindings?q=sk-&page=49900',
  '/bindings?q=sk&page=28000',
  '/bindings?q=sk-&page=25000',
  '/bindings?q=sk-&status=active&mode=single&page=30000',
  '/bindings?ip=10.7.1.2',
  '/logs',
  '/logs?page=25000',
  '/logs?q=sk-&page=49900',
  '/logs?q=sk-00&page=150',
  '/logs?ip=10.7.0.0/16',
  '/logs?ip=10.0.0.0/8&page=49900',
  '/logs?ip=10.0.0.0/8&page=25000',
  '/logs?from=2026-01-01&page=49900',
  '/logs?from=2026-01-01&page=2000',
  '/logs?from=2026-01-02&page=28000',
  '/logs?ip=10.0.0.0/9&page=24900',
  '/logs?q=sk-&ip=10.0.0.0/8&page=30000',
  '/logs?q=sk-00&ip=10.0.0.0/8&page=150',
]

async function measureLists(scope: Scope, upstreamUrl: string, crowd: Crowd): Promise<ResultRow[]> {
  const rounds: Looks[][] = []
  let peer = crowd
  for (;;) {
    await sendFrom(peer, warmUpSeconds)
    releaseCores(peer.pid)
    rounds.push(await lookAtAll(peer))
    if (rounds.length === startsOfLists) break
    await peer.stop()
    peer = { ...crowd, ...(await startSallyport(scope, upstreamUrl, crowd)) }
  }
  const seen = lists.map((path, at) => ({
    path,
    firstMs: median(rounds.map((round) => round[at]?.firstMs ?? Number.NaN)),
    laterMs: median(rounds.map((round) => round[at]?.laterMs ?? Number.NaN)),
  }))
  for (const { path, firstMs, laterMs } of seen) {
    console.log(`  ${firstMs.toFixed(0).padStart(5)} ms, then ${laterMs.toFixed(0).padStart(4)} ms  ${path}`)
  }
  const slowestFirst = seen.reduce((a, b) => (a.firstMs > b.firstMs ? a : b))
  const slowest = seen.reduce((a, b) => (a.laterMs > b.laterMs ? a : b))
  return [
    {
      id: 'LISTS',
      figure: `first look at a page, the slowest (${slowestFirst.path})`,
      ...atMost(slowestFirst.firstMs, pageMsMax, 'ms'),
    },
    {
      id: 'LISTS',
      figure: `any page, the slowest (${slowest.path})`,
      ...atMost(slowest.laterMs, pageMsMax, 'ms'),
    },
    await measureExport(peer),
  ]
}

/** In the order of `lists`; by a gateway that has just started and has counted nothing yet. */
async function lookAtAll({ url }: Peer): Promise<Looks[]> {
  const headers = await adminHeaders(url)
  const look = async (path: string) => {
    const startedMs = performance.now()
    const { status, text } = await call(`${url}/admin/api${path}`, { headers })
    if (status !== 200) throw new Error(`${path}: ${status}`)
    return { tookMs: performance.now() - startedMs, isEstimate: text.includes('is_estimate') }
  }
  const laterLook = async (path: string) => (await look(path)).tookMs
  const seen: Looks[] = []
  for (const path of lists) {
    const { tookMs: firstMs } = await look(path)
    await eventually(`an exact ${path}`, async () => !(await look(path)).isEstimate)
    const laterMs = median([await laterLook(path), await laterLook(path), await laterLook(path)])
    seen.push({ firstMs, laterMs })
  }
  return seen
}

/** Twice: what a second export needs over the first would show that something is kept. */
async function measureExport({ url, pid }: Peer): Promise<ResultRow> {
  const headers = await adminHeaders(url)
  const peaksMb: number[] = []
  let lines = 0
  for (let turn = 0; turn < 2; turn++) {
    const { text } = await call(`${url}/admin/api/logs/export`, { headers })
    lines = text.split('\n').length - 2
    peaksMb.push(memoryMb(pid).peak)
  }
  const [first = 0, second = 0] = peaksMb
  const figure = `export of ${lines.toLocaleString('en')} rows: peak of a second one over the first`
  return { id: 'LISTS', figure: `${figure} (${first.toFixed(0)} MB)`, ...atMost(second - first, 16, 'MB') }
}

async function adminHeaders(url: string): Promise<Record<string, string>> {
  const answer = await call(`${url}/admin/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ password: gatewayEnvironment.ADMIN_PASSWORD }),
  })
  const { access_token } = answer.json() as { access_token: string }
  return { authorization: `Bearer ${access_token}` }
}
