// P3: metered calls (managed key → provider key → usage read → journal) beside calls that are passed through, in one run.
import { call } from '../test/support/call.ts'
import { jsonCall } from '../test/support/gateway.ts'
import type { Scope } from '../test/support/scope.ts'
import { cpuSeconds } from './measured-process.ts'
import { gatewayEnvironment, type Peer, startBareNode, startSallyport, startUpstream } from './peers.ts'
import { atLeast, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'
import { runWrk, type WrkOptions } from './wrk.ts'

type Subject = { name: string; peer: Peer; options: Partial<WrkOptions> }

const warmUpSeconds = 2
const turnSeconds = 5
const providerKey = 'sk-of-the-operator-0123456789'

export async function measureMeteredCalls(scope: Scope): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const passing = await startSallyport(scope, upstream.url, { name: 'passing' })
  const metering = await startSallyport(scope, upstream.url, {
    name: 'metering',
    env: { OPENAI_API_KEY: providerKey, OPENAI_BASE_URL: upstream.url },
  })
  const apiKey = await createClient(metering.url)
  const subjects: Subject[] = [
    { name: 'passed through', peer: passing, options: {} },
    {
      ...{ name: 'metered', peer: metering },
      options: { path: '/proxy/openai/v1/chat/completions', env: { BENCH_KEY: apiKey } },
    },
    { name: 'bare', peer: await startBareNode(scope, upstream.url), options: {} },
    { name: 'bare, metering', peer: await startBareNode(scope, upstream.url, true), options: {} },
  ]
  for (const { peer, options } of subjects) await runWrk(peer, { ...options, seconds: warmUpSeconds })
  const medianOf = await takeTurns(subjects, async ({ peer, options }) => {
    const before = cpuSeconds(peer.pid)
    const { requestsPerSecond } = await runWrk(peer, { ...options, seconds: turnSeconds })
    const cpuMicros = ((cpuSeconds(peer.pid) - before) / (requestsPerSecond * turnSeconds)) * 1e6
    return { perSecond: requestsPerSecond, cpuMicros }
  })
  const rate = (name: string) => medianOf(name).perSecond
  const figure = `metered ÷ passed through (${tell(rate('metered'))} ÷ ${tell(rate('passed through'))} requests/s)`
  const cpu = (name: string) => medianOf(name).cpuMicros
  const share = cpu('passed through') / cpu('metered')
  return [
    { id: 'P3', figure, ...atLeast(rate('metered') / rate('passed through'), 0.8, 2) },
    {
      ...{ id: 'P3', figure: 'the same by processor time of the gateway process', goal: '', met: null },
      measured: `${share.toFixed(2)} (${cpu('passed through').toFixed(0)} ÷ ${cpu('metered').toFixed(0)} µs a call)`,
    },
    {
      ...{ id: 'P3', goal: '', met: null },
      figure: 'bare Node: body rewritten, usage read, a line appended (no check, no drain) ÷ without these',
      measured: `${(rate('bare, metering') / rate('bare')).toFixed(2)} (${tell(rate('bare, metering'))} ÷ ${tell(rate('bare'))})`,
    },
  ]
}

async function createClient(url: string): Promise<string> {
  const ask = async (path: string, body: object, headers = {}) => {
    const answer = await call(`${url}/admin/api${path}`, jsonCall('POST', body, headers))
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
    return answer.json()
  }
  const { access_token } = (await ask('/login', { password: gatewayEnvironment.ADMIN_PASSWORD })) as {
    access_token: string
  }
  const authorization = `Bearer ${access_token}`
  const client = { name: 'Bench', email: 'bench@example.com' }
  const { api_key } = (await ask('/clients', client, { authorization })) as { api_key: string }
  return api_key
}

function tell(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en')
}
