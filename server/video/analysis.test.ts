// The analysis against scripted models over the wire: what they were shown and asked, and that nothing but a whole answer is one.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AppError, type ClientSettings } from '@sallyport/contract'
import { eventually } from '../../test/support/eventually.ts'
import { type Clock, createManualClock, systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createAnalysis, type ModelUse } from './analysis.ts'
import { createFrameBuffers } from './frame-buffers.ts'
import {
  geminiReply as gemini,
  makeJpeg,
  openModel,
  type Reply,
  geminiUsage as usage,
  makeVerdict as verdict,
} from './test-support.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const keyText = 'model-key-0123456789abcdef'
const camera = { clientId: 1, cameraId: 'door' }

const openAi = (answer: unknown, choice: object = {}): Reply => ({
  body: {
    choices: [{ finish_reason: 'stop', message: { content: JSON.stringify(answer) }, ...choice }],
    usage: { prompt_tokens: 900, completion_tokens: 30, prompt_tokens_details: { cached_tokens: 5 } },
  },
})

type Options = {
  api?: 'gemini' | 'openai'
  settings?: ClientSettings
  frames?: number
  frameBytes?: number
  timeoutMs?: number
  clock?: Clock
  hasKey?: boolean
}

async function openAnalysis(test: TestContext, replies: Reply[], options: Options = {}) {
  const { api = 'gemini', settings = {}, frames = 250, frameBytes = 200, timeoutMs = 20_000 } = options
  const { clock = systemClock, hasKey = true } = options
  const model = await openModel(test, replies)
  const buffers = createFrameBuffers({ bytesMax: 2 ** 30, clientBytesMax: 2 ** 30, idleMs: 1e9 }, clock)
  const pictures = Array.from({ length: frames }, (_, index) =>
    makeJpeg({ mark: `frame ${index}`, bytes: frameBytes }),
  )
  const add = (jpeg: Buffer) =>
    buffers.add(camera, { longFrames: 250, shortFrames: 75 }, [{ jpeg, frameCount: null, timestampMs: null }])
  for (const jpeg of pictures) add(jpeg)
  const analysis = createAnalysis({
    config: {
      upstreamConnectTimeoutMs: 5000,
      limits: {
        video: {
          ...{ analyses_max: 2, analyses_per_client_max: 1 },
          ...{ analysis_bytes_max: 2 ** 30, analysis_bytes_per_client_max: 2 ** 30 },
        } as never,
      },
      video: {
        ...{ analysis_fps: 25, short_buffer_duration: 3, long_buffer_duration: 10, language: 'English' },
        ...{ provider: api, model_api: api, fast_model: 'fast', strong_model: 'strong' },
        ...{ alert_on_incident: false, alert_cooldown_seconds: 60, stage_timeout_ms: timeoutMs },
      },
    },
    frames: buffers,
    findModelAccess: async () => ({ baseUrl: model.url, key: hasKey ? new Secret(keyText) : null }),
    clock,
  })
  test.after(async () => {
    await analysis.close()
    buffers.close()
  })
  const used: ModelUse[] = []
  const leaving = new AbortController()
  const analyze = (cameraId = 'door') =>
    analysis.analyze({ caller: { clientId: 1, settings }, cameraId, signal: leaving.signal, used })
  return { model, pictures, add, used, leaving, analyze }
}

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    (answer) => assert.fail(`an answer: ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AppError, String(error))
  assert.ok(!JSON.stringify([error.message, error.detail]).includes(keyText))
  return error
}

test('without an incident only the fast model is asked, with 25 frames of the short buffer as they came and in order', async (t) => {
  const { model, pictures, used, analyze } = await openAnalysis(t, [gemini(verdict(false))])
  const { timestamp, ...answer } = await analyze()
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000)
  assert.deepEqual(answer, {
    ...{ analysis: 'nothing happens', has_security_incident: false, risk_level: 'LOW', incident_type: null },
    ...{ frame_count: 25, confirmed: false },
  })
  const [question] = model.seen
  assert.equal(model.seen.length, 1)
  assert.equal(question?.path, '/v1beta/models/fast:generateContent')
  assert.equal(question?.headers['x-goog-api-key'], keyText)
  const shown = question?.images.map((image) =>
    pictures.findIndex((jpeg) => jpeg.toString('base64') === image),
  )
  const expected = Array.from({ length: 25 }, (_, index) => 175 + Math.round((index * 74) / 24))
  assert.deepEqual(shown, expected)
  const config = question?.body.generationConfig as {
    responseMimeType: string
    responseSchema: { required: string[] }
  }
  assert.equal(config.responseMimeType, 'application/json')
  assert.deepEqual(config.responseSchema.required, [
    'incident_detected',
    'incident_type',
    'risk_level',
    'description',
    'analysis',
  ])
  assert.deepEqual(used, [
    { provider: 'gemini', model: 'fast', tokens: { tokensIn: 1000, tokensOut: 42, tokensCached: 10 } },
  ])
})

test('a hit is shown to the strong model over the long buffer, and both must see it', async (t) => {
  const { model, pictures, used, analyze } = await openAnalysis(t, [
    gemini(verdict(true, { risk_level: 'MEDIUM' })),
    gemini(verdict(true, { analysis: 'it is a theft' })),
  ])
  const { timestamp: _, ...answer } = await analyze()
  assert.deepEqual(answer, {
    ...{ analysis: 'it is a theft', has_security_incident: true, risk_level: 'HIGH', incident_type: 'theft' },
    ...{ frame_count: 25, confirmed: true },
  })
  const second = model.seen[1]
  assert.equal(second?.path, '/v1beta/models/strong:generateContent')
  const shown = second?.images.map((image) => pictures.findIndex((jpeg) => jpeg.toString('base64') === image))
  assert.deepEqual([shown?.length, shown?.[0], shown?.at(-1)], [25, 0, 249])
  assert.match(second?.prompt ?? '', /somebody takes a bag/)
  assert.deepEqual(
    used.map((use) => use.model),
    ['fast', 'strong'],
  )
})

test('the second model may veto, and its reason is told', async (t) => {
  const { analyze } = await openAnalysis(t, [
    gemini(verdict(true)),
    gemini(verdict(false, { analysis: 'it is the owner' })),
  ])
  const { timestamp: _, ...answer } = await analyze()
  assert.deepEqual(answer, {
    ...{ analysis: 'it is the owner', has_security_incident: false, risk_level: 'LOW', incident_type: null },
    ...{ frame_count: 25, confirmed: false, veto_reason: 'it is the owner' },
  })
})

test('an OpenAI-compatible model is asked by JSON schema and data URLs', async (t) => {
  const { model, pictures, used, analyze } = await openAnalysis(t, [openAi(verdict(true))], {
    api: 'openai',
    frames: 3,
  })
  assert.equal((await analyze()).confirmed, true)
  const [question] = model.seen
  assert.equal(question?.path, '/v1/chat/completions')
  assert.equal(question?.headers.authorization, `Bearer ${keyText}`)
  assert.deepEqual(
    question?.images,
    pictures.map((jpeg) => jpeg.toString('base64')),
  )
  const format = question?.body.response_format as { type: string; json_schema: { strict: boolean } }
  assert.deepEqual([format.type, format.json_schema.strict], ['json_schema', true])
  assert.deepEqual(used[1], {
    provider: 'openai',
    model: 'strong',
    tokens: { tokensIn: 900, tokensOut: 30, tokensCached: 5 },
  })
})

test('prompt, language and models of a client win', async (t) => {
  const video = { prompt: 'Count the cats.', language: 'français', fast_model: 'own-fast', analysis_fps: 1 }
  const { model, analyze } = await openAnalysis(t, [gemini(verdict(false))], { settings: { video } })
  assert.equal((await analyze()).frame_count, 3)
  assert.match(model.seen[0]?.prompt ?? '', /^Count the cats\.[\s\S]+français/)
  assert.match(model.seen[0]?.path ?? '', /own-fast/)
})

test('fewer frames are shown when they are large, the newest always', async (t) => {
  const { model, pictures, analyze } = await openAnalysis(t, [gemini(verdict(false))], {
    frames: 6,
    frameBytes: 4_000_000,
  })
  assert.equal((await analyze()).frame_count, 3)
  assert.equal(model.seen[0]?.images.at(-1), pictures.at(-1)?.toString('base64'))
})

test('a frame that no model will see is let go, however long an analysis lasts', async (t) => {
  const { model, pictures, add, leaving, analyze } = await openAnalysis(t, ['silence'])
  const seen = pictures.splice(0).map((jpeg) => new WeakRef(jpeg))
  const failure = failureOf(analyze())
  await model.arrived
  for (let index = 0; index < 250; index++) add(makeJpeg())
  const kept = await eventually('the frames collected', () => {
    collectGarbage()
    const count = seen.filter((jpeg) => jpeg.deref() !== undefined).length
    return count < 250 && count
  })
  // 25 of the short buffer, 25 of the long one.
  assert.ok(kept <= 50, `${kept} frames`)
  leaving.abort()
  await failure
})

const failures: [name: string, replies: Reply[], status: number, code: string, says: RegExp][] = [
  [
    'a blocked prompt',
    [{ body: { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: usage } }],
    502,
    'analysis_failed',
    /SAFETY/,
  ],
  [
    'a blocked answer',
    [gemini(verdict(false), { finishReason: 'PROHIBITED_CONTENT' })],
    502,
    'analysis_failed',
    /PROHIBITED_CONTENT/,
  ],
  [
    'an answer that was cut off',
    [gemini('{"incident_detected": fal', { finishReason: 'MAX_TOKENS' })],
    502,
    'analysis_failed',
    /MAX_TOKENS/,
  ],
  ['an answer that is no JSON', [gemini('all is well')], 502, 'analysis_failed', /no usable answer/],
  [
    'an answer without a field',
    [gemini({ incident_detected: false })],
    502,
    'analysis_failed',
    /no usable answer/,
  ],
  [
    'a risk that is none',
    [gemini(verdict(false, { risk_level: 'NONE' }))],
    502,
    'analysis_failed',
    /no usable answer/,
  ],
  [
    'an incident told in words',
    [gemini(verdict(false, { incident_detected: 'false' }))],
    502,
    'analysis_failed',
    /no usable answer/,
  ],
  ['no candidates', [{ body: { candidates: [] } }], 502, 'analysis_failed', /no usable answer/],
  ['a body that is no JSON', [{ body: '<html>' }], 502, 'analysis_failed', /could not be asked/],
  ['an endless body', [{ body: 'x'.repeat(3 * 1024 * 1024) }], 502, 'analysis_failed', /could not be asked/],
  [
    'a redirect',
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '{}' }],
    502,
    'analysis_failed',
    /answered 302/,
  ],
  [
    'an unknown model',
    [{ status: 404, body: { error: { message: 'no such model' } } }],
    502,
    'analysis_failed',
    /answered 404/,
  ],
  [
    'a key that is not accepted',
    [{ status: 403, body: { error: { message: `bad key ${keyText}` } } }],
    502,
    'provider_key_rejected',
    /did not accept/,
  ],
  [
    'a used-up quota',
    [{ status: 429, headers: { 'retry-after': '3600' }, body: { error: { message: 'quota of today' } } }],
    429,
    'model_quota',
    /quota of today/,
  ],
  [
    'a model that is overloaded for long',
    [{ status: 503, headers: { 'retry-after': '600' }, body: { error: { message: 'overloaded' } } }],
    503,
    'model_unavailable',
    /overloaded/,
  ],
  [
    'a second stage that fails',
    [gemini(verdict(true)), { status: 500, body: '{}' }],
    502,
    'analysis_failed',
    /answered 500/,
  ],
  [
    'a second stage without an answer',
    [gemini(verdict(true)), gemini('yes')],
    502,
    'analysis_failed',
    /no usable answer/,
  ],
]
for (const [name, replies, status, code, says] of failures) {
  test(`${name} is an explicit error, never "no incident"`, async (t) => {
    const { analyze } = await openAnalysis(t, [...replies])
    const error = await failureOf(analyze())
    assert.deepEqual([error.status, error.code], [status, code])
    assert.match(error.message, says)
    if (status === 429) assert.equal(error.retryAfterSeconds, 3600)
  })
}

test('a refusal that passes is tried again, as soon as the model says', async (t) => {
  const busy: Reply = { status: 503, headers: { 'retry-after': '0' }, body: '{}' }
  const { model, analyze } = await openAnalysis(t, [busy, { ...busy, status: 429 }, gemini(verdict(false))])
  assert.equal((await analyze()).has_security_incident, false)
  assert.equal(model.seen.length, 3)
})

test('a model that does not answer in time is a failure, and its call is cut off', async (t) => {
  const clock = createManualClock()
  const { model, analyze } = await openAnalysis(t, ['silence'], { clock, timeoutMs: 1000 })
  const failure = failureOf(analyze())
  await model.arrived
  clock.advance(1001)
  const error = await failure
  assert.deepEqual([error.status, error.code], [502, 'analysis_failed'])
  assert.match(error.message, /did not answer in time/)
  await model.cut
})

test('when the caller leaves, the model is not waited for', async (t) => {
  const { model, leaving, analyze } = await openAnalysis(t, ['silence'])
  const failure = failureOf(analyze())
  await model.arrived
  leaving.abort()
  await failure
  await model.cut
})

test('a camera without frames, a gateway without a key, and one analysis too many', async (t) => {
  const { model, analyze } = await openAnalysis(t, ['silence'], { frames: 1 })
  assert.equal((await failureOf(analyze('other'))).code, 'no_frames')
  void analyze().catch(() => undefined)
  await model.arrived
  const refused = await failureOf(analyze())
  assert.deepEqual([refused.status, refused.code], [429, 'too_many_requests'])
  const keyless = await openAnalysis(t, [], { hasKey: false })
  const error = await failureOf(keyless.analyze())
  assert.deepEqual([error.status, error.code], [503, 'ai_key_missing'])
  assert.equal(keyless.model.seen.length, 0)
})
