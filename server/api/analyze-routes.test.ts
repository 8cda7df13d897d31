// /api/video/analyze over HTTP: a failure is told as one and costs nothing, tokens stand on the call's one event, an incident is one alert.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually, within } from '../../test/support/eventually.ts'
import { geminiReply, makeJpeg, makeVerdict, openModel, type Reply } from '../video/test-support.ts'
import { type ApiTest, openApiTest, withoutRequestId } from './test-support.ts'

const key = 'operator-gemini-0123456789'
const path = '/api/video/analyze'
const hit = geminiReply(makeVerdict(true))
const calm = geminiReply(makeVerdict(false))
const refusal = (status: number, message: string, retryAfter = '600'): Reply => ({
  ...{ status, headers: { 'retry-after': retryAfter }, body: { error: { message } } },
})

async function openCameras(t: TestContext, options: { env?: Record<string, string>; file?: object } = {}) {
  const replies: Reply[] = [calm]
  const model = await openModel(t, replies)
  const env = { GEMINI_API_KEY: key, GEMINI_BASE_URL: model.url, ...options.env }
  const gateway = await openApiTest(t, env, options.file ? { file: options.file } : {})
  await gateway.store.startWork()
  const client = await gateway.makeClient('Acme')
  const show = async (token = client.apiKey, camera_id = 'door', bytes = 0) => {
    const body = { frame_data: makeJpeg({ bytes }).toString('base64'), camera_id }
    const answer = await gateway.call('POST', '/api/video/buffer', { token, body })
    assert.equal(answer.status, 200, answer.text)
  }
  return {
    ...{ gateway, client, model, show },
    script: (...next: Reply[]) => void replies.splice(0, replies.length, ...next),
    analyze(camera_id = 'door', token = client.apiKey) {
      // What is written in one millisecond has no order.
      gateway.clock.advance(1)
      return gateway.call('POST', path, { token, body: { camera_id } })
    },
  }
}

type Event = Record<'endpoint' | 'request_id' | 'model', string> &
  Record<'status' | 'cost_micros' | 'tokens_in' | 'tokens_out' | 'provider_cost_micros', number | null> & {
    flags: string[]
  }

/** The analyses in the ledger, oldest first. */
async function readEvents({ call }: ApiTest, token: string, count: number): Promise<Event[]> {
  const events = await eventually(`${count} analyses in the ledger`, async () => {
    const { json } = await call('GET', '/api/usage?page_size=200', { token })
    const found = (json.items as Event[]).filter(({ endpoint }) => endpoint === path)
    return found.length === count && found
  })
  return events.reverse()
}

type Case = { name: string; replies: Reply[]; status: number; code: string; says: RegExp; tokensIn?: number }
const cases: Case[] = [
  {
    ...{ name: 'a used-up quota', replies: [refusal(429, 'quota of today')] },
    ...{ status: 429, code: 'model_quota', says: /quota of today/ },
  },
  {
    ...{ name: 'a model that is away', replies: [refusal(503, 'maintenance')] },
    ...{ status: 503, code: 'model_unavailable', says: /maintenance/ },
  },
  {
    ...{ name: 'a blocked prompt', replies: [{ body: { promptFeedback: { blockReason: 'SAFETY' } } }] },
    ...{ status: 502, code: 'analysis_failed', says: /SAFETY/ },
  },
  {
    ...{ name: 'a malformed answer', replies: [geminiReply('all is well')], tokensIn: 1000 },
    ...{ status: 502, code: 'analysis_failed', says: /no usable answer/ },
  },
  {
    ...{ name: 'an answer cut off', replies: [geminiReply('{"inc', { finishReason: 'MAX_TOKENS' })] },
    ...{ status: 502, code: 'analysis_failed', says: /MAX_TOKENS/, tokensIn: 1000 },
  },
  {
    ...{ name: 'a second stage that fails', replies: [hit, { status: 500, body: '{}' }], tokensIn: 1000 },
    ...{ status: 502, code: 'analysis_failed', says: /answered 500/ },
  },
  {
    ...{ name: 'a second stage without quota', replies: [hit, refusal(429, 'of the strong one')] },
    ...{ status: 429, code: 'model_quota', says: /of the strong one/, tokensIn: 1000 },
  },
  {
    ...{ name: 'a malformed second stage', replies: [hit, geminiReply('yes')], tokensIn: 2000 },
    ...{ status: 502, code: 'analysis_failed', says: /no usable answer/ },
  },
  {
    ...{ name: 'a key that is refused', replies: [refusal(403, `bad key ${key}`)] },
    ...{ status: 502, code: 'provider_key_rejected', says: /did not accept/ },
  },
]

test('each failure of a model is told by its code, never as "no incident"; it is free, and its tokens are kept', async (t) => {
  const { gateway, client, model, show, script, analyze } = await openCameras(t)
  await show()
  const ids: (string | null)[] = []
  for (const { name, replies, status, code, says } of cases) {
    script(...replies)
    const answer = await analyze()
    assert.deepEqual([answer.status, answer.error?.code], [status, code], name)
    assert.match(answer.error?.message ?? '', says, name)
    assert.deepEqual(Object.keys(answer.json), ['error'], name)
    assert.ok(!answer.text.includes(key), name)
    assert.equal(answer.headers.get('retry-after'), status === 502 ? null : '600', name)
    ids.push(answer.headers.get('x-request-id') ?? answer.error?.request_id ?? null)
  }
  script('silence')
  const asked = model.seen.length
  const late = analyze()
  await eventually('the question', () => model.seen.length > asked)
  gateway.clock.advance(60_001)
  assert.deepEqual([(await late).status, (await late).error?.code], [502, 'analysis_failed'])
  assert.match((await late).error?.message ?? '', /did not answer in time/)
  script(hit)
  assert.equal((await analyze()).json.confirmed, true)

  const events = await readEvents(gateway, client.apiKey, cases.length + 2)
  const [good, timedOut, ...failed] = events.reverse()
  for (const [index, event] of failed.reverse().entries()) {
    const { name, status, tokensIn = null } = cases[index] ?? assert.fail()
    assert.deepEqual([event.request_id, event.status, event.cost_micros], [ids[index], status, 0], name)
    assert.equal(event.tokens_in, tokensIn, name)
    assert.equal((event.provider_cost_micros ?? 0) > 0, tokensIn !== null, name)
  }
  assert.deepEqual([timedOut?.status, timedOut?.cost_micros, timedOut?.tokens_in], [502, 0, null])
  // 1,000 tokens in and 42 out on each model, at the prices of the table.
  assert.deepEqual([good?.status, good?.cost_micros, good?.model], [200, 50_000, 'gemini-2.5-pro'])
  assert.deepEqual([good?.tokens_in, good?.tokens_out], [2000, 84])
  const first = failed.find(({ tokens_in }) => tokens_in === 1000)?.provider_cost_micros ?? 0
  assert.ok((good?.provider_cost_micros ?? 0) > 2 * first, 'the strong model takes more')
})

test('who hangs up while the model is asked pays, so that asking again and again is not free', async (t) => {
  const { gateway, client, model, show, script } = await openCameras(t)
  await show()
  script('silence')
  const leaving = new AbortController()
  const asking = fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.apiKey}`, 'content-type': 'application/json' },
    body: '{"camera_id":"door"}',
    signal: leaving.signal,
  })
  await within('the question', model.arrived)
  leaving.abort()
  await assert.rejects(asking, { name: 'AbortError' })
  await within('the end of the question', model.cut)
  const [event] = await readEvents(gateway, client.apiKey, 1)
  assert.deepEqual([event?.status, event?.cost_micros, event?.flags], [0, 50_000, ['aborted']])
})

test('another client’s camera looks like an absent one, and bad names are refused alike', async (t) => {
  const { gateway, client, show, analyze } = await openCameras(t)
  const other = await gateway.makeClient('Other')
  await show(other.apiKey)
  const foreign = await analyze('door')
  assert.deepEqual([foreign.status, foreign.error?.code], [400, 'no_frames'])
  assert.equal(withoutRequestId(foreign), withoutRequestId(await analyze('nowhere')))
  const names = [
    '',
    '../door',
    'a/b',
    'dóor',
    '门',
    'door ',
    'do\u0000or',
    '%2e%2e',
    'x'.repeat(65),
    'x'.repeat(500_000),
  ]
  for (const name of names) {
    const answer = await analyze(name)
    assert.deepEqual([answer.status, answer.error?.code], [400, 'malformed_request'], name.slice(0, 80))
    assert.ok(answer.text.length < 500, 'a name is not sent back')
  }
  assert.equal((await analyze('x'.repeat(2_000_000))).status, 413)
  const named = await gateway.call('POST', path, {
    token: client.apiKey,
    body: { camera_id: 'door', client_id: other.id },
  })
  assert.match(named.error?.message ?? '', /unknown field "client_id"/)
  const cameras = await gateway.call('GET', '/api/cameras', { token: client.apiKey })
  assert.equal(cameras.json.total, 0, 'asking makes no camera')
})

test('a confirmed incident raises one alert in the cool-down where that is wanted, at the price of the analysis', async (t) => {
  const mail = {
    SMTP_URL: 'smtp://127.0.0.1:9',
    MAIL_FROM: 'gateway@example.com',
    FFMPEG_PATH: '/nonexistent',
  }
  const { gateway, client, show, script, analyze } = await openCameras(t, { env: mail })
  const settings = { video: { alert_on_incident: true } }
  assert.equal((await gateway.admin('PATCH', `/clients/${client.id}`, { settings })).status, 200)
  await show()
  script(hit, calm)
  assert.ok((await analyze()).json.veto_reason)
  script(hit)
  for (let turn = 0; turn < 3; turn++) assert.equal((await analyze()).json.confirmed, true)
  await eventually('the mail', () => gateway.mails.length === 1)
  const list = async () => {
    const { json } = await gateway.call('GET', '/api/alerts', { token: client.apiKey })
    return (json.items as { state: string; risk_level: string }[]).map(({ state }) => state)
  }
  assert.deepEqual(await list(), ['suppressed', 'suppressed', 'queued'])
  gateway.clock.advance(61_000)
  await analyze()
  await eventually('a second incident, a second mail', () => gateway.mails.length === 2)
  assert.ok(gateway.metered.every(({ target }) => target.endpoint !== '/api/alert'))
})

test('analyses hold no more pictures at once than their client, and all clients, have room for', async (t) => {
  const analysing = { analysis_bytes_per_client_max: 250_000, analysis_bytes_max: 700_000 }
  const { gateway, client, model, show, script, analyze } = await openCameras(t, {
    file: { limits: { video: analysing } },
  })
  const others = [await gateway.makeClient('Other'), await gateway.makeClient('Third')]
  for (const { apiKey } of [client, ...others]) await show(apiKey, 'door', 100_000)
  script('silence')
  const running: Promise<{ status: number }>[] = []
  const begin = async (token: string) => {
    const asked = model.seen.length
    running.push(analyze('door', token))
    await eventually('the question', () => model.seen.length > asked)
  }
  const refused = async (token: string) => {
    const { status, error } = await analyze('door', token)
    return [status, error?.code]
  }
  const [mine, second, third] = [client, ...others].map(({ apiKey }) => apiKey) as [string, string, string]
  // Each holds 200 kB: its short and its long buffer.
  await begin(mine)
  assert.deepEqual(await refused(mine), [429, 'too_many_requests'])
  await begin(second)
  assert.deepEqual(await refused(third), [503, 'overloaded'])
  gateway.clock.advance(60_001)
  assert.deepEqual(
    (await Promise.all(running)).map(({ status }) => status),
    [502, 502],
  )
  script(calm)
  assert.equal((await analyze('door', third)).status, 200, 'the room is given back')
  assert.equal((await analyze('door', mine)).status, 200)
})
