// P10, VIDEO: frames accepted beside what reading them costs at least, and fifty cameras for a minute.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeJpeg } from '../server/video/test-support.ts'
import { call } from '../test/support/call.ts'
import type { Scope } from '../test/support/scope.ts'
import { testSecrets } from '../test/support/storage.ts'
import { loadProgram, memoryMb, runLoad } from './measured-process.ts'
import { type Peer, startBareNode, startSallyport, startUpstream } from './peers.ts'
import { atLeast, type ResultRow } from './report.ts'
import { takeTurns } from './rounds.ts'
import { runWrk } from './wrk.ts'

const frameBytes = 50_000
const turnSeconds = 4
const clients = 5
const camerasPerClient = 10
const fps = 25
const playSeconds = 60
/** Buffers are full after ten seconds; what is resident then must not grow. */
const settledSeconds = 20
const growthMax = 1.15

export async function measureVideo(scope: Scope, wanted: (id: string) => boolean): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const gateway = await startSallyport(scope, upstream.url)
  const keys = await makeClients(gateway.url)
  const folder = await scope.folder()
  const [jpegFile, jsonFile] = [join(folder, 'frame.jpg'), join(folder, 'frame.json')]
  const jpeg = makeJpeg({ bytes: frameBytes })
  writeFileSync(jpegFile, jpeg)
  writeFileSync(
    jsonFile,
    JSON.stringify({ frame_data: jpeg.toString('base64'), frame_count: 7, camera_id: 'door' }),
  )
  return [
    ...(wanted('P10') ? await compareIntake(scope, { gateway, key: keys[0] ?? '', jpegFile, jsonFile }) : []),
    ...(wanted('VIDEO') ? await playCameras(gateway, keys, jpegFile) : []),
  ]
}

async function compareIntake(
  scope: Scope,
  { gateway, key, jpegFile, jsonFile }: { gateway: Peer; key: string; jpegFile: string; jsonFile: string },
): Promise<ResultRow[]> {
  const bare = await startBareNode(scope, null)
  const intake = (peer: Peer, file: string, type: string) => async (seconds: number) => {
    const env = { BODY_FILE: file, CONTENT_TYPE: type, BENCH_KEY: key }
    const options = { seconds, path: '/api/video/buffer', script: 'frames.lua', env }
    return (await runWrk(peer, options)).requestsPerSecond
  }
  const subjects = [
    {
      name: 'decode',
      measure: async (seconds: number) => {
        const printed = await runLoad(loadProgram('decode-only.ts', { file: jsonFile, seconds }))
        return (JSON.parse(printed) as { perSecond: number }).perSecond
      },
    },
    { name: 'json', measure: intake(gateway, jsonFile, 'application/json') },
    { name: 'raw', measure: intake(gateway, jpegFile, 'image/jpeg') },
    { name: 'bare', measure: intake(bare, jsonFile, 'application/json') },
  ]
  for (const { measure } of subjects) await measure(1)
  const medianOf = await takeTurns(subjects, async ({ measure }) => ({
    perSecond: await measure(turnSeconds),
  }))
  const rate = (name: string) => medianOf(name).perSecond
  const tell = (name: string) => Math.round(rate(name)).toLocaleString('en')
  const figure = (name: string) =>
    `frames/s, ${name} ÷ JSON.parse + base64 alone (${tell(name)} ÷ ${tell('decode')})`
  return [
    { id: 'P10', figure: figure('json'), ...atLeast(rate('json') / rate('decode'), 0.5) },
    { id: 'P10', figure: figure('raw'), ...atLeast(rate('raw') / rate('decode'), 1) },
    {
      ...{
        id: 'P10',
        figure: 'bare node:http that parses and decodes, and does nothing else',
        goal: '',
        met: null,
      },
      measured: `${(rate('bare') / rate('decode')).toFixed(2)} (${tell('bare')})`,
    },
  ]
}

async function playCameras(gateway: Peer, keys: readonly string[], file: string): Promise<ResultRow[]> {
  const settings = {
    ...{ url: `${gateway.url}/api/video/buffer`, keys, camerasPerKey: camerasPerClient },
    ...{ fps, seconds: playSeconds, file },
  }
  const resident: number[] = []
  const watch = setInterval(() => resident.push(memoryMb(gateway.pid).now), 1000)
  const printed = await runLoad(loadProgram('camera-load.ts', settings)).finally(() => clearInterval(watch))
  const { accepted, refused, late, due } = JSON.parse(printed) as Record<string, number>
  const [settled, last] = [resident.slice(settledSeconds, settledSeconds + 10), resident.slice(-10)]
  const growth = Math.max(...last) / Math.max(...settled)
  const share = (accepted ?? 0) / (due ?? 1)
  return [
    {
      id: 'VIDEO',
      figure: `${keys.length * camerasPerClient} cameras × ${fps}/s × 50 kB for ${playSeconds} s: accepted (${accepted} of ${due}, ${refused} refused, ${late} late)`,
      ...atLeast(share, 0.99, 3),
    },
    {
      id: 'VIDEO',
      figure: `resident memory of the last 10 s ÷ after ${settledSeconds} s (${Math.max(...last).toFixed(0)} MB)`,
      goal: `≤ ${growthMax}`,
      measured: growth.toFixed(2),
      met: growth <= growthMax,
    },
  ]
}

/** Answers an API key of each. */
async function makeClients(url: string): Promise<string[]> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await call(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return answer.json() as Record<string, string>
  }
  const { access_token: token } = await post('/admin/api/login', { password: testSecrets.ADMIN_PASSWORD })
  const made = Array.from({ length: clients }, (_, index) => {
    const client = { name: `Bench ${index}`, email: `bench${index}@example.com` }
    return post('/admin/api/clients', client, { authorization: `Bearer ${token}` })
  })
  return (await Promise.all(made)).map((answer) => answer.api_key ?? '')
}
