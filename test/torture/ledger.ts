// Proof: for every answer whose end a client received there is exactly one usage event, whatever happens to process, database and disk.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { UsageAnswer, UsageEvent } from '@sallyport/contract'
import { eventually } from '../support/eventually.ts'
import { type Gateway, openFolder, startGateway } from '../support/gateway.ts'
import { type Environment, testSecrets } from '../support/storage.ts'
import { callOnce, countStatuses, type Order, percentile, type Sample, startLoad } from './load.ts'
import { chatBody, type ModelUpstream, openModelUpstream } from './model-upstream.ts'
import { createDatabase, openPostgres, type PrivateEngine } from './private-engine.ts'
import { createRandom, type Random } from './random.ts'
import { LateError, type Proof, type TortureOptions, type Trial } from './report.ts'
import { fillFile, mountSmallDisk } from './small-disk.ts'

const callsPerSecond = 200
/** A gateway lives under load for this long and up to as much again. */
const lifeMs = 400
const answersMin = 10
const restartMsMax = 5000
/** Journals are found and drained within this. */
const replayMs = 20_000
const home = '203.0.113.7'
const chatPath = '/proxy/openai/v1/chat/completions'
const pageSize = 200
/** Of a call: tokens of the upstream at the prices below, a EUR for a USD. */
const costMicros = 12 * 100 + 3 * 200

export const provesLedger: Proof = {
  name: 'ledger',
  async run(prove, options, scope) {
    const rounds = options.short ? 4 : 100
    const postgres = await openPostgres(scope)
    for (const storage of ['embedded PostgreSQL', 'PostgreSQL by DSN'] as const) {
      await prove(
        `killed ${rounds} times under metered load on ${storage}: one event for each answer, none twice`,
        async (trial) => {
          const isOwn = storage === 'embedded PostgreSQL'
          const env = isOwn ? {} : await openDatabase(postgres)
          await killAgainAndAgain(await prepare(trial, env, options), rounds)
        },
      )
    }
    const outageMs = options.short ? 4000 : 60_000
    await prove(
      `PostgreSQL away for ${outageMs / 1000} s under metered load: nothing lost`,
      async (trial) => {
        const ground = await prepare(trial, await openDatabase(postgres), options)
        await surviveOutage(ground, postgres, outageMs)
      },
    )
    await prove(
      'disk full: calls that were promised end well, others get 503 and go nowhere',
      async (trial) => fillDisk(await prepare(trial, await openDatabase(postgres), options)),
    )
  },
}

/** A new one at each attempt. */
async function openDatabase(postgres: PrivateEngine): Promise<Environment> {
  return { PG_DSN: await createDatabase(postgres, `ledger_${randomBytes(6).toString('hex')}`) }
}

type Ground = { trial: Trial; env: Environment; folder: string; upstream: ModelUpstream; random: Random }

async function prepare(trial: Trial, storage: Environment, { seed }: TortureOptions): Promise<Ground> {
  const upstream = await openModelUpstream(trial.scope)
  const folder = await openFolder(trial.scope)
  writeConfig(folder, {})
  const env = {
    ...testSecrets,
    ...storage,
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: 'sk-of-the-operator',
    LOG_LEVEL: 'warn',
  }
  return { trial, env, folder, upstream, random: createRandom(seed) }
}

function writeConfig(folder: string, more: object): void {
  const price = { input: '100', output: '200', context_window: 128_000, max_output: 16_384 }
  const prices = { models: { openai: { 'gpt-4o-mini': price } } }
  writeFileSync(join(folder, 'sallyport.yaml'), JSON.stringify({ prices, ...more }))
}

/** The API key of a new client. */
async function makeClient(gateway: Gateway): Promise<string> {
  const answer = await gateway.admin('POST', '/clients', { name: 'Acme', email: 'security@acme.com' })
  assert.equal(answer.status, 201, answer.text)
  return (answer.json() as { api_key: string }).api_key
}

const chat = (token: string, durationMs: number, stream: boolean): Order => ({
  ...{ kind: stream ? 'stream' : 'json', token, address: home },
  ...{ path: chatPath, body: chatBody(durationMs, stream) },
})

async function killAgainAndAgain(ground: Ground, rounds: number): Promise<void> {
  const { trial, env, folder, random } = ground
  const { scope, note } = trial
  let gateway = await startGateway(scope, { env, folder })
  const token = await makeClient(gateway)
  const answered = new Set<string>()
  const restartsMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begunAt = new Date(Date.now() - 1000).toISOString()
    const next = () => [chat(token, random.below(100), random.below(2) === 0)]
    const load = startLoad({ url: gateway.url, perSecond: callsPerSecond, next })
    await load.carryOn(lifeMs + random.below(lifeMs))
    // On a busy machine the first answers of a process take longer than its life was to be.
    await eventually('answers', async () => load.samples.length >= answersMin, replayMs)
    await gateway.kill9()
    const samples = await load.stop()
    assertServed(samples)
    const startedMs = performance.now()
    gateway = await startGateway(scope, { env, folder })
    restartsMs.push(performance.now() - startedMs)
    await assertEachOnce(gateway, samples, begunAt)
    for (const { requestId } of samples.filter(isAnswered)) answered.add(requestId)
  }
  await assertNoneTwice(gateway)
  note(`${answered.size} answers, each with its event`)
  // The slowest of a hundred tells of the machine, which others use too.
  const [usualMs, slowestMs] = [percentile(restartsMs, 0.5), Math.max(...restartsMs)]
  note(`ready ${usualMs.toFixed(0)} ms after a start, at most ${slowestMs.toFixed(0)} ms`)
  if (usualMs > restartMsMax) throw new LateError(`half of all restarts took ${usualMs.toFixed(0)} ms`)
}

const isAnswered = ({ status }: Sample) => status === 200

function assertServed(samples: readonly Sample[]): void {
  const odd = samples.filter(({ status }) => status !== 200 && status !== 0)
  assert.equal(odd.length, 0, countStatuses(odd))
}

/** Streams of all lengths are open when the database goes, end while it is away, and are found when it is back. */
async function surviveOutage(ground: Ground, postgres: PrivateEngine, outageMs: number): Promise<void> {
  const { trial, env, folder, random } = ground
  const gateway = await startGateway(trial.scope, { env, folder })
  const token = await makeClient(gateway)
  const begunAt = new Date(Date.now() - 1000).toISOString()
  const next = () => [
    chat(token, random.below(2) === 0 ? random.below(Math.min(outageMs, 12_000)) : 50, true),
  ]
  const load = startLoad({ url: gateway.url, perSecond: 50, next })
  trial.scope.defer(load.stop)
  await load.carryOn(2000)
  const awayFromMs = performance.now()
  await postgres.stop()
  await load.carryOn(outageMs)
  await postgres.start()
  const awayUntilMs = performance.now()
  await load.carryOn(2000)
  const samples = await load.stop()
  const endedAway = samples.filter((sample) => {
    const endMs = sample.startedMs + sample.waitMs
    return isAnswered(sample) && endMs > awayFromMs && endMs < awayUntilMs
  })
  assert.ok(endedAway.length > 20, `only ${endedAway.length} calls ended while the database was away`)
  await assertEachOnce(gateway, samples, begunAt)
  await assertNoneTwice(gateway)
  trial.note(`${samples.filter(isAnswered).length} answers, ${endedAway.length} of them while it was away`)
  trial.note(countStatuses(samples))
}

async function fillDisk({ trial, env, folder, upstream }: Ground): Promise<void> {
  const dataDir = await mountSmallDisk(trial.scope)
  writeConfig(folder, { journal: { bytes_max: 1024 * 1024 } })
  const gateway = await startGateway(trial.scope, { env: { ...env, DATA_DIR: dataDir }, folder })
  const token = await makeClient(gateway)
  const begunAt = new Date(Date.now() - 1000).toISOString()
  const samples: Sample[] = []
  const callFor = async (durationMs: number) => {
    const sample = await callOnce(gateway.url, chat(token, durationMs, true))
    samples.push(sample)
    return sample
  }
  const patient = Array.from({ length: 10 }, () => callFor(3000))
  assert.equal((await callFor(1)).status, 200)
  const filler = join(dataDir, 'filler')
  fillFile(filler)
  let promised = 0
  while ((await callFor(1)).status === 200) promised++
  const seen = upstream.callsReceived()
  const refused = await callFor(1)
  assert.deepEqual([refused.status, refused.code], [503, 'journal_full'])
  assert.equal(upstream.callsReceived(), seen, 'a refused call reached the upstream')
  for (const sample of await Promise.all(patient)) assert.equal(sample.status, 200)
  rmSync(filler)
  await eventually('calls being served again', async () => (await callFor(1)).status === 200, replayMs)
  await assertEachOnce(gateway, samples, begunAt)
  trial.note(`${promised} more calls in the room that was secured`)
}

async function assertEachOnce(gateway: Gateway, samples: readonly Sample[], from: string): Promise<void> {
  const answered = samples.filter(isAnswered).map(({ requestId }) => requestId)
  let missing = answered
  await eventually(
    'an event for every answer',
    async () => {
      const events = await readEvents(gateway, from)
      missing = answered.filter((id) => events.get(id) === undefined)
      return missing.length === 0
    },
    replayMs,
  ).catch((error: unknown) => {
    throw new Error(`${missing.length} of ${answered.length} events are lost`, { cause: error })
  })
}

async function readEvents(gateway: Gateway, from: string): Promise<Map<string, UsageEvent>> {
  const events = new Map<string, UsageEvent>()
  const to = new Date().toISOString()
  for (let page = 1; ; page++) {
    const answer = await gateway.admin(
      'GET',
      `/usage?from=${from}&to=${to}&page=${page}&page_size=${pageSize}`,
    )
    assert.equal(answer.status, 200, answer.text)
    const { items, total } = answer.json() as UsageAnswer
    for (const event of items) events.set(event.request_id, event)
    if (page * pageSize >= total) return events
  }
}

/** Over everything that was ever written. */
async function assertNoneTwice(gateway: Gateway): Promise<void> {
  const { text } = await gateway.admin('GET', '/usage/export')
  const [head = '', ...lines] = text.trimEnd().split('\r\n')
  const names = head.split(',')
  const rows = lines.map((line) => line.split(','))
  const ids = rows.map((row) => row[names.indexOf('request_id')])
  assert.equal(new Set(ids).size, ids.length, 'a request has two events')
  const wrong = rows.filter(
    (row) => row[names.indexOf('flags')] === '' && row[names.indexOf('cost_micros')] !== String(costMicros),
  )
  assert.deepEqual(wrong, [], 'a complete call has another cost')
}
