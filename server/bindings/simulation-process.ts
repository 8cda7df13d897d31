// One gateway process of the simulation: the real decision code on the engines of a simulated world.
import type { BindingItem } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import type { Notices, Queryable, SharedCache } from '../store/store.ts'
import { createBindingChanges } from './binding-changes.ts'
import type { NewBinding, StoredBinding } from './binding-rows.ts'
import type { BindingTransaction, Change } from './binding-transaction.ts'
import type { BindingCall, BindingRule, Decision } from './bindings.ts'
import { createDecide } from './decide.ts'
import { createDecisionCache } from './decision-cache.ts'
import { createFirstUse } from './first-use.ts'
import { createLookUp } from './look-up.ts'
import type { DatabaseRow, Member, RedisEntry, World } from './simulation-world.ts'

/** One gateway process with the real decision code on simulated engines. */
export function createProcess(world: World, options: { redis: boolean; failsafe: 'closed' | 'open' }) {
  const { scheduler, random } = world
  const { clock } = scheduler
  const handlers: ((payload: unknown) => void)[] = []
  const gapHandlers: (() => void)[] = []
  let connected = true
  let heartbeatMs = 0
  let lastDeliveryMs = 0
  const member: Member = {
    alive: true,
    leaveTurn: () => undefined,
    hear: (payload) =>
      deliver(() => {
        for (const handle of handlers) handle(payload)
      }),
  }
  world.members.add(member)

  /** One ordered channel: what was sent first arrives first, a cut channel loses what is on its way. */
  function deliver(arrive: () => void): void {
    if (!connected) return
    lastDeliveryMs = Math.max(lastDeliveryMs, clock.monotonicMs() + random.below(40))
    clock.after(lastDeliveryMs - clock.monotonicMs(), () => {
      if (connected && member.alive) arrive()
    })
  }

  const beat = clock.every(250, () => {
    if (!world.databaseUp) connected = false
    if (!connected) {
      if (!world.databaseUp || random.chance(0.5)) return
      connected = true
      for (const handle of gapHandlers) handle()
    }
    const begunMs = clock.monotonicMs()
    deliver(() => {
      heartbeatMs = Math.max(heartbeatMs, begunMs)
    })
  })

  const outgoing: unknown[] = []
  const notices: Notices = {
    async publish(_tx, _topic, payload) {
      outgoing.push(payload)
    },
    subscribe(_topic, handle) {
      handlers.push(handle)
      return () => undefined
    },
    onGap(handle) {
      gapHandlers.push(handle)
      return () => undefined
    },
    isFresh: () => clock.monotonicMs() - heartbeatMs < 1000,
  }

  const store = createSimulatedStore(world, member, outgoing)
  const sharedCache = options.redis ? createSimulatedCache(world, member) : null
  const cache = createDecisionCache(1000, clock, sharedCache && 300)
  const quiet = () => undefined
  const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, flush: quiet }
  const counters = {
    increment: async () => ({ count: 1, resetMs: 0 }),
    read: async () => ({ count: 0, resetMs: 0 }),
    reset: async () => undefined,
  }
  const changes = createBindingChanges({ store, notices, sharedCache, cache, logger })
  const decide = createDecide({
    cache,
    notices,
    lookUp: createLookUp({ store, sharedCache, clock, logger }),
    firstUse: createFirstUse({
      store,
      counters,
      sharedCache,
      config: { bindIpv6Prefix: 64, bindNewPerMinute: 0 },
      clock,
      logger,
    }),
    confirm: store.confirm,
    withdraw: changes.withdraw,
    recordIntercept: async () => undefined,
    touch: () => undefined,
    count: () => undefined,
    settings: () => ({ failsafe_mode: options.failsafe }),
    bindingMode: 'enforce',
    logger,
  })
  return {
    decide: async (call: BindingCall): Promise<Decision> => decide(call),
    changes,
    /** The listening connection goes silent without a word. */
    cutNotices() {
      connected = false
    },
    kill() {
      member.alive = false
      member.leaveTurn()
      world.members.delete(member)
      beat.cancel()
    },
  }
}
export type SimulatedProcess = ReturnType<typeof createProcess>

function createSimulatedStore(world: World, member: Member, outgoing: unknown[]) {
  const makeRow = ({ digest, tokenDisplay, rule }: NewBinding, provisional: boolean): DatabaseRow => ({
    id: world.nextId(),
    version: world.nextVersion(),
    status: 'active',
    rule,
    provisional,
    digest,
    tokenDisplay,
  })
  return {
    find: (digest: string) =>
      world.call(member, 'database', (): StoredBinding | null => {
        const row = world.rows.get(digest)
        return row ? { ...row } : null
      }),
    insertFirstUse: (binding: NewBinding) =>
      world.exclusively(member, () =>
        world.call(member, 'database', () => {
          const standing = world.rows.get(binding.digest)
          if (standing) return { binding: { ...standing }, made: false }
          const row = makeRow(binding, true)
          world.put(binding.digest, row)
          return { binding: { ...row }, made: true }
        }),
      ),
    confirm: (digest: string, version: number) =>
      world.exclusively(member, () =>
        world.call(member, 'database', () => {
          const row = world.rows.get(digest)
          if (row?.version !== version) return false
          row.provisional = false
          return true
        }),
      ),
    transaction: <T>(work: (bindings: BindingTransaction) => Promise<T>): Promise<T> =>
      world.exclusively(member, async () => {
        const draft = new Map<string, DatabaseRow | null>()
        outgoing.length = 0
        const result = await work(createSimulatedTransaction(world, member, draft, makeRow))
        return world.call(member, 'database', () => {
          for (const [digest, row] of draft) world.put(digest, row)
          for (const payload of outgoing.splice(0)) world.tell(payload)
          return result
        })
      }),
  }
}

function createSimulatedTransaction(
  world: World,
  member: Member,
  draft: Map<string, DatabaseRow | null>,
  makeRow: (binding: NewBinding, provisional: boolean) => DatabaseRow,
): BindingTransaction {
  const tx: Queryable = { query: () => Promise.reject(new Error('no SQL here')) }
  const byId = (id: number) => [...world.rows.values()].find((row) => row.id === id)
  const item = (row: DatabaseRow): BindingItem => ({
    id: row.id,
    token_display: row.tokenDisplay,
    mode: row.rule.mode,
    allowed_ips: [...row.rule.allowedIps],
    status: row.status,
    client_id: null,
    first_used_at: null,
    last_used_at: null,
  })
  const call = <T>(effect: () => T) => world.call(member, 'database', effect)
  return {
    tx,
    insert: (binding) =>
      call(() => {
        if (world.rows.has(binding.digest)) return null
        const row = makeRow(binding, false)
        draft.set(binding.digest, row)
        return { stored: row, item: item(row) }
      }),
    lock: (id) =>
      call(() => {
        const row = byId(id)
        return row ? { digest: row.digest, item: item(row) } : null
      }),
    update: (id: number, patch: { rule?: BindingRule; status?: 'active' | 'banned' }) =>
      call(() => {
        const row = byId(id)
        if (!row) throw new Error('a locked binding vanished')
        const changed: DatabaseRow = { ...row, ...patch, provisional: false, version: world.nextVersion() }
        draft.set(row.digest, changed)
        return { stored: changed, item: item(changed) }
      }),
    delete: (id) =>
      call(() => {
        const row = byId(id)
        if (!row) throw new Error('a locked binding vanished')
        draft.set(row.digest, null)
        return world.nextVersion()
      }),
    deleteProvisional: (digest, version) =>
      call(() => {
        const row = world.rows.get(digest)
        if (row?.version !== version || !row.provisional) return null
        draft.set(digest, null)
        return world.nextVersion()
      }),
    archiveIdle: async (): Promise<Change[]> => [],
  }
}

/** The contract of the shared cache: versions, marks, tombstones, and a new generation at the start and after Redis was found away. */
function createSimulatedCache(world: World, member: Member): SharedCache {
  // A process that starts cannot know what the one before it failed to write.
  let foundAway = true
  const nowMs = () => world.scheduler.clock.monotonicMs()
  const keyOf = (key: string) => `${world.redisGeneration}|${key}`
  const read = (key: string): RedisEntry | null => {
    const entry = world.redis.get(keyOf(key))
    return entry && entry.expiresMs > nowMs() ? entry : null
  }
  const write = (key: string, entry: Omit<RedisEntry, 'expiresMs'>, livesMs: number) =>
    void world.redis.set(keyOf(key), { ...entry, expiresMs: nowMs() + livesMs })
  async function call<T>(effect: () => T): Promise<T> {
    try {
      if (foundAway) await world.call(member, 'redis', () => void world.redisGeneration++)
      foundAway = false
      return await world.call(member, 'redis', effect)
    } catch (error) {
      foundAway = true
      throw error
    }
  }
  return {
    isUsable: () => true,
    get: (key) =>
      call(() => {
        const entry = read(key)
        const isUsable = entry && !entry.mark && entry.value !== null
        return {
          entry: isUsable ? { version: entry.version, value: entry.value ?? '' } : null,
          generation: String(world.redisGeneration),
        }
      }),
    fill: (key, version, value, generation) =>
      call(() => {
        const standing = read(key)
        if (generation !== String(world.redisGeneration)) return
        if (standing && (standing.mark || standing.version >= version)) return
        write(key, { version, value, mark: false }, 3_600_000)
      }),
    markChanging: (key) =>
      call(() => {
        write(key, { version: read(key)?.version ?? 0, value: null, mark: true }, 5000)
        return String(world.redisGeneration)
      }),
    put: (key, version, value, generation) =>
      call(() => {
        if ((read(key)?.version ?? 0) > version) return
        if (generation === String(world.redisGeneration))
          write(key, { version, value, mark: false }, 3_600_000)
        else write(key, { version, value: null, mark: false }, 60_000)
      }),
    drop: (key, version) =>
      call(() => {
        if ((read(key)?.version ?? 0) >= version) return
        write(key, { version, value: null, mark: false }, 60_000)
      }),
  }
}
