// Proof: a gateway killed with SIGKILL at any moment starts again by itself, and nothing that it had acknowledged is lost.
import assert from 'node:assert/strict'
import type { BindingItem, InterceptItem } from '@sallyport/contract'
import { eventually } from '../support/eventually.ts'
import { type Gateway, openFolder, startGateway } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { type Environment, testSecrets } from '../support/storage.ts'
import { newToken } from '../support/tokens.ts'
import { callOnce, countStatuses, type Load, type Order, type Sample, startLoad } from './load.ts'
import { openPlainUpstream } from './plain-upstream.ts'
import { createDatabase, openPostgres, openRedis } from './private-engine.ts'
import { createRandom, type Random } from './random.ts'
import type { Proof, TortureOptions, Trial } from './report.ts'

const callsPerSecond = 300
/** A gateway lives under load for this long and up to as much again. */
const lifeMs = 400
/** Journals of the killed process are found and drained within this. */
const replayMs = 15_000
const home = '203.0.113.7'
const abroad = '198.51.100.9'
/** Tokens whose binding is looked at after each kill. */
const tokensChecked = 25
const pageSize = 200

const storages: readonly { name: string; open(scope: Scope): Promise<Environment> }[] = [
  { name: 'embedded PostgreSQL', open: async () => ({}) },
  {
    name: 'PostgreSQL by DSN with Redis',
    async open(scope) {
      const { port } = await openRedis(scope)
      const dsn = await createDatabase(await openPostgres(scope), 'torture')
      return { PG_DSN: dsn, REDIS_ADDR: `127.0.0.1:${port}` }
    },
  },
]

export const provesKills: Proof = {
  name: 'kills',
  async run(prove, options) {
    const rounds = options.short ? 5 : 100
    for (const { name, open } of storages) {
      await prove(
        `killed ${rounds} times under load on ${name}: starts again, nothing acknowledged is lost`,
        (trial) => killAgainAndAgain({ trial, open, rounds, options }),
      )
    }
  },
}

type Series = {
  trial: Trial
  open: (scope: Scope) => Promise<Environment>
  rounds: number
  options: TortureOptions
}

/** What the admin was told to be done: the token is banned, or bound to another address. */
type Change = { token: string; kind: 'banned' | 'moved' }
type Acknowledged = { samples: readonly Sample[]; changes: Change[] }

async function killAgainAndAgain({ trial, open, rounds, options }: Series): Promise<void> {
  const { scope, note } = trial
  const env = {
    ...testSecrets,
    ...(await open(scope)),
    DOWNSTREAM_URL: await openPlainUpstream(scope),
    BIND_NEW_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
  }
  const folder = await openFolder(scope)
  const random = createRandom(options.seed)
  const startsMs: number[] = []
  const start = async () => {
    const startedMs = performance.now()
    const gateway = await startGateway(scope, { env, folder })
    startsMs.push(performance.now() - startedMs)
    return gateway
  }
  const total = { bindings: 0, intercepts: 0, changes: 0 }
  let gateway = await start()
  for (let round = 0; round < rounds; round++) {
    const begunAt = new Date(Date.now() - 1000).toISOString()
    const acknowledged = await liveAndDie(gateway, random)
    gateway = await start()
    await assertBindingsStand(gateway, acknowledged, random)
    await assertChangesStand(gateway, acknowledged)
    await assertInterceptsStand(gateway, acknowledged, begunAt)
    total.bindings += acknowledged.samples.filter(isFirstUse).length
    total.intercepts += acknowledged.samples.filter(({ status }) => status === 403).length
    total.changes += acknowledged.changes.length
  }
  await assertAudited(gateway, total.changes)
  note(
    `${total.bindings} bindings, ${total.intercepts} intercepts, ${total.changes} admin changes, none lost`,
  )
  note(`ready at most ${Math.max(...startsMs).toFixed(0)} ms after a start`)
}

const isFirstUse = ({ kind, status }: Sample) => kind === 'new' && status === 200

/** Load and admin changes until the kill; answers what had been acknowledged by then. */
async function liveAndDie(gateway: Gateway, random: Random): Promise<Acknowledged> {
  const bound: string[] = []
  const next = (): Order[] => {
    const token = bound.at(-1)
    if (!token || random.below(2) === 0) {
      const fresh = newToken()
      bound.push(fresh)
      return [{ kind: 'new', token: fresh, address: home }]
    }
    return [
      {
        kind: 'blocked',
        token: random.pick(bound),
        address: `10.1.${random.below(250)}.${random.below(250)}`,
      },
    ]
  }
  const load = startLoad({ url: gateway.url, perSecond: callsPerSecond, next })
  const changes: Change[] = []
  const changing = changeUntilKilled(gateway, changes)
  await load.carryOn(lifeMs + random.below(lifeMs))
  await gateway.kill9()
  await changing
  const samples = await load.stop()
  assertOnlyRefusedOrCut(load)
  return { samples, changes }
}

/** Binds tokens ahead of their use and bans or moves each; notes what was answered with success. */
async function changeUntilKilled(gateway: Gateway, changes: Change[]): Promise<void> {
  try {
    for (let count = 0; ; count++) {
      const token = newToken()
      const made = await gateway.admin('POST', '/bindings', { token, mode: 'single', allowed_ips: [home] })
      assert.ok(made.status === 200 || made.status === 201, made.text)
      const { id } = made.json() as BindingItem
      const kind = count % 2 === 0 ? 'banned' : 'moved'
      const answer =
        kind === 'banned'
          ? await gateway.admin('POST', '/bindings/ban', { id })
          : await gateway.admin('PUT', '/bindings/ip', { id, mode: 'single', allowed_ips: [abroad] })
      assert.equal(answer.status, 200, answer.text)
      changes.push({ token, kind })
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    // The gateway was killed.
  }
}

/** While it lived it answered as it should: a call from elsewhere may also have been the first to use its token. */
function assertOnlyRefusedOrCut({ samples }: Load): void {
  const odd = samples.filter(({ status }) => status !== 200 && status !== 403 && status !== 0)
  assert.equal(odd.length, 0, countStatuses(odd))
}

async function assertBindingsStand(
  gateway: Gateway,
  { samples }: Acknowledged,
  random: Random,
): Promise<void> {
  const bound = samples.filter(isFirstUse)
  for (let checked = 0; checked < Math.min(tokensChecked, bound.length); checked++) {
    const { token } = random.pick(bound)
    const { status } = await callOnce(gateway.url, { kind: 'check', token, address: abroad })
    assert.equal(status, 403, 'a token that was bound before the kill is free again')
  }
}

async function assertChangesStand(gateway: Gateway, { changes }: Acknowledged): Promise<void> {
  for (const { token, kind } of changes) {
    const use = async (address: string) => callOnce(gateway.url, { kind, token, address })
    const [atHome, elsewhere] = [await use(home), await use(abroad)]
    const seen = `${atHome.status} ${atHome.code} ${elsewhere.status} ${elsewhere.code}`
    const expected = kind === 'banned' ? '403 binding_banned 403 binding_banned' : '403 ip_not_allowed 200 '
    assert.equal(seen, expected, 'an admin change was lost')
  }
}

async function assertInterceptsStand(
  gateway: Gateway,
  { samples }: Acknowledged,
  from: string,
): Promise<void> {
  const refused = samples.filter(({ status }) => status === 403).map(({ requestId }) => requestId)
  let missing = refused
  await eventually(
    'every answered refusal in the log',
    async () => {
      const logged = await readInterceptIds(gateway, from)
      missing = refused.filter((id) => !logged.has(id))
      return missing.length === 0
    },
    replayMs,
  ).catch((error: unknown) => {
    throw new Error(`${missing.length} of ${refused.length} intercepts are lost`, { cause: error })
  })
}

async function readInterceptIds(gateway: Gateway, from: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let page = 1; ; page++) {
    const answer = await gateway.admin('GET', `/logs?from=${from}&page=${page}&page_size=${pageSize}`)
    const { items } = answer.json() as { items: InterceptItem[] }
    for (const { request_id } of items) ids.add(request_id)
    if (items.length < pageSize) return ids
  }
}

/** Each change wrote two rows, the binding and what became of it, and the chain holds. */
async function assertAudited(gateway: Gateway, changes: number): Promise<void> {
  const answer = await gateway.admin('GET', '/audit/verify')
  const { ok, rows } = answer.json() as { ok: boolean; rows: number }
  assert.ok(ok, answer.text)
  assert.ok(rows >= 2 * changes, `${rows} audit rows for ${changes} changes`)
}
