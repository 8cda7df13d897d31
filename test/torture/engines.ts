// Proof: whatever happens to Redis and PostgreSQL, calls are decided rightly or refused, in time, and service returns by itself.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { BindingItem } from '@sallyport/contract'
import { call } from '../support/call.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { type Environment, testSecrets } from '../support/storage.ts'
import { newToken } from '../support/tokens.ts'
import { type CutProxy, openCutProxy } from './cut-proxy.ts'
import { callOnce, countStatuses, type Load, percentile, type Sample, startLoad } from './load.ts'
import { openPlainUpstream } from './plain-upstream.ts'
import { assertNoWrongPass, home, isKnownToken, settlePopulation } from './population.ts'
import { createDatabase, openPostgres, openRedis, type PrivateEngine } from './private-engine.ts'
import { createRandom } from './random.ts'
import { LateError, type Proof, type TortureOptions, type Trial } from './report.ts'

const callsPerSecond = 200
/** Longest wait of a call for its decision (SPEC §3). */
const deadlineMs = 1000
/** What a busy machine of two cores adds between us and the gateway. */
const machineMarginMs = 1000
/** How long an engine stays away: past every deadline. */
const outageMs = 2000
const calmMs = 500
/** How long cached decisions are good without their engine (SPEC §3). */
const staleMs = 1000

type Engines = { postgres: PrivateEngine; redis: PrivateEngine }
type Place = Engines & { postgresProxy: CutProxy; redisProxy: CutProxy; env: Environment }
type Struck = 'Redis' | 'PostgreSQL' | 'PostgreSQL alone'

type Fault = {
  name: string
  /** Begins the fault and answers how it ends. */
  strike(engine: PrivateEngine, proxy: CutProxy): Promise<() => Promise<void> | void>
  /** How long it lasts before it is ended. */
  lastsMs: number
  /** The gateway reaches the engine through the proxy. */
  viaProxy: boolean
}

const faults: readonly Fault[] = [
  {
    name: 'killed with SIGKILL',
    async strike(engine) {
      await engine.kill()
      return engine.start
    },
    lastsMs: outageMs,
    viaProxy: false,
  },
  {
    name: 'paused with SIGSTOP',
    async strike(engine) {
      engine.pause()
      return engine.resume
    },
    lastsMs: outageMs,
    viaProxy: false,
  },
  {
    name: 'cut off with its connections left open',
    async strike(_engine, proxy) {
      proxy.cut()
      return proxy.restore
    },
    lastsMs: outageMs,
    viaProxy: true,
  },
  {
    name: 'restarted',
    async strike(engine) {
      await engine.stop()
      return engine.start
    },
    lastsMs: 0,
    viaProxy: false,
  },
]

export const provesEngines: Proof = {
  name: 'engines',
  async run(prove, options, scope) {
    const engines = { postgres: await openPostgres(scope), redis: await openRedis(scope) }
    for (const struck of ['Redis', 'PostgreSQL', 'PostgreSQL alone'] as const) {
      for (const fault of faults) {
        await prove(`${struck} ${fault.name}: ${promises[struck]}`, (trial) =>
          withstand({ trial, engines, struck, fault, options }),
        )
      }
    }
    await prove('change notices cut half-open: no cached decision is used after 1 s', (trial) =>
      distrustSilence({ trial, engines, options }),
    )
  },
}

const promises = {
  Redis: 'PostgreSQL decides every call',
  PostgreSQL: 'Redis decides every call of a known token',
  'PostgreSQL alone': 'calls that nobody can decide are refused',
}

/** A database and a Redis prefix of its own, each engine straight or through a proxy that can be cut. */
async function openPlace(scope: Scope, engines: Engines, withRedis: boolean): Promise<Place> {
  const name = `torture_${randomBytes(6).toString('hex')}`
  const postgresProxy = await openCutProxy(scope, engines.postgres.port)
  const redisProxy = await openCutProxy(scope, engines.redis.port)
  const env = {
    ...testSecrets,
    PG_DSN: await createDatabase(engines.postgres, name),
    DOWNSTREAM_URL: await openPlainUpstream(scope),
    BIND_NEW_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
    ...(withRedis ? { REDIS_ADDR: `127.0.0.1:${engines.redis.port}`, REDIS_PREFIX: `${name}:` } : {}),
  }
  return { ...engines, postgresProxy, redisProxy, env }
}

/** The environment of a gateway that reaches `struck` through its proxy. */
function throughProxy({ env, postgresProxy, redisProxy }: Place, struck: Struck): Environment {
  if (struck === 'Redis') return { ...env, REDIS_ADDR: `127.0.0.1:${redisProxy.port}` }
  const dsn = new URL(env.PG_DSN ?? '')
  dsn.port = String(postgresProxy.port)
  return { ...env, PG_DSN: dsn.href }
}

type Siege = { trial: Trial; engines: Engines; struck: Struck; fault: Fault; options: TortureOptions }

async function withstand({ trial, engines, struck, fault, options }: Siege): Promise<void> {
  const { scope, note } = trial
  const rounds = options.short ? 1 : 10
  const place = await openPlace(scope, engines, struck !== 'PostgreSQL alone')
  const env = fault.viaProxy ? throughProxy(place, struck) : place.env
  const gateway = await startGateway(scope, { env })
  const { next } = await settlePopulation(gateway, createRandom(options.seed))
  const load = startLoad({ url: gateway.url, perSecond: callsPerSecond, next })
  scope.defer(load.stop)
  const [engine, proxy] =
    struck === 'Redis' ? [place.redis, place.redisProxy] : [place.postgres, place.postgresProxy]
  const returnsMs: number[] = []
  for (let round = 0; round < rounds; round++) {
    await load.carryOn(calmMs)
    const struckMs = performance.now()
    const relieve = await fault.strike(engine, proxy)
    await load.carryOn(fault.lastsMs)
    const duringMs = [struckMs, performance.now()] as const
    await relieve()
    returnsMs.push(await untilServing(gateway, struck === 'Redis' ? 5000 : 10_000))
    await load.carryOn(calmMs)
    assertDecided(load, struck, duringMs)
  }
  const samples = await load.stop()
  assertNoWrongPass(samples)
  const slowestMs = Math.max(...samples.map(({ waitMs }) => waitMs))
  note(`${samples.length} calls`)
  note(`slowest ${slowestMs.toFixed(0)} ms`)
  note(
    `p99 ${percentile(
      samples.map(({ waitMs }) => waitMs),
      0.99,
    ).toFixed(0)} ms`,
  )
  note(`serving again after at most ${Math.max(...returnsMs).toFixed(0)} ms`)
  note(countStatuses(samples))
  if (slowestMs > deadlineMs + machineMarginMs) {
    const slowest = samples.find(({ waitMs }) => waitMs === slowestMs)
    throw new LateError(`a call waited longer than its deadline: ${JSON.stringify(slowest)}`)
  }
}

/** What the living engine, if there is one, owed to the calls made while the other was away. */
function assertDecided(load: Load, struck: Struck, [fromMs, untilMs]: readonly [number, number]): void {
  const during = load.samples.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs)
  const undecided = (sample: Sample) => sample.status === 503
  if (struck === 'Redis') assertNone(during, undecided, 'PostgreSQL lived, and a call was not decided')
  if (struck === 'PostgreSQL') {
    assertNone(
      during.filter(isKnownToken),
      undecided,
      'Redis lived and knew the token, and a call was not decided',
    )
  }
  if (struck === 'PostgreSQL alone') {
    // A call that was still waiting when the engine came back may well be decided by it.
    const late = during.filter(
      ({ startedMs, waitMs }) => startedMs > fromMs + staleMs && startedMs + waitMs < untilMs,
    )
    assertNone(late, ({ status }) => status === 200, 'a call passed that nobody could decide')
  }
}

function assertNone(samples: readonly Sample[], isWrong: (sample: Sample) => boolean, message: string): void {
  const wrong = samples.filter(isWrong)
  assert.equal(
    wrong.length,
    0,
    `${message}: ${countStatuses(samples)}; the first ${JSON.stringify(wrong[0])}`,
  )
}

/** How long it took until the gateway said that every engine is there, and bound a new token. */
async function untilServing(gateway: Gateway, limitMs: number): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    const ready = await call(`${gateway.url}/health/ready`)
    const bound = await callOnce(gateway.url, { kind: 'new', token: newToken(), address: home })
    const waitedMs = performance.now() - startedMs
    const isWhole = ready.status === 200 && (ready.json() as { status: string }).status === 'ready'
    if (isWhole && bound.status === 200) return waitedMs
    if (waitedMs > limitMs) throw new LateError(`not serving ${limitMs} ms after the engine came back`)
  }
}

/** Two gateways; one stops hearing of changes while everything else works, and an admin bans through the other. */
async function distrustSilence({
  trial,
  engines,
  options,
}: Pick<Siege, 'trial' | 'engines' | 'options'>): Promise<void> {
  const { scope, note } = trial
  const place = await openPlace(scope, engines, false)
  const [near, far] = await Promise.all([
    startGateway(scope, { env: place.env }),
    startGateway(scope, { env: throughProxy(place, 'PostgreSQL') }),
  ])
  const heldAfterMs: number[] = []
  for (let round = 0; round < (options.short ? 2 : 10); round++) {
    const token = newToken()
    const use = { kind: 'home', token, address: home }
    assert.equal((await callOnce(far.url, use)).status, 200)
    const load = startLoad({ url: far.url, perSecond: 50, next: () => [use] })
    scope.defer(load.stop)
    await load.carryOn(calmMs)
    const id = await newestBindingId(near)
    place.postgresProxy.cutListeners()
    assert.equal((await near.admin('POST', '/bindings/ban', { id })).status, 200)
    const bannedMs = performance.now()
    await load.carryOn(outageMs)
    place.postgresProxy.restore()
    await load.carryOn(calmMs)
    const passed = (await load.stop()).filter(({ status }) => status === 200)
    const lastPassMs = Math.max(...passed.map(({ startedMs }) => startedMs)) - bannedMs
    assert.ok(lastPassMs < staleMs, `a banned token passed ${lastPassMs.toFixed(0)} ms after its ban`)
    heldAfterMs.push(lastPassMs)
  }
  note(`last pass at most ${Math.max(...heldAfterMs).toFixed(0)} ms after a ban through another gateway`)
}

async function newestBindingId(gateway: Gateway): Promise<number> {
  const { items } = (await gateway.admin('GET', '/bindings?page_size=200')).json() as { items: BindingItem[] }
  return Math.max(...items.map(({ id }) => id))
}
