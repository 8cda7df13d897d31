// Door of the bindings room: from which addresses a credential may be used, and what is written down when it is not.
import type {
  BindingItem,
  BindingsQuery,
  DashboardAnswer,
  InterceptItem,
  InterceptsExportQuery,
  InterceptsQuery,
  Settings,
} from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { IpAddress } from '../lib/ip-address.ts'
import type { Logger } from '../lib/logger.ts'
import type { Page, Queryable, Store } from '../store/store.ts'
import { createBindingChanges } from './binding-changes.ts'
import { createBindingStore } from './binding-store.ts'
import { createDailyCounts } from './daily-counts.ts'
import { createDecide } from './decide.ts'
import { createDecisionCache } from './decision-cache.ts'
import { createFirstUse } from './first-use.ts'
import { createHousekeeping } from './housekeeping.ts'
import { createInterceptLog } from './intercept-log.ts'
import { exportIntercepts, listIntercepts, readNewest } from './intercept-store.ts'
import { createBindingLastUsed } from './last-used.ts'
import { createLookUp } from './look-up.ts'

/** One call as the decision sees it. */
export type BindingCall = {
  /** Keyed digest of the canonical token, base64url. */
  digest: string
  /** Short mask for people, never enough to use. */
  tokenDisplay: string
  /** Whose credential it is; foreign tokens belong to no client. */
  clientId?: number
  address: IpAddress
  method: string
  /** Without the query string. */
  path: string
  requestId: string
}

export type Decision =
  /** `settle` is set on the call that made the binding; it takes the status of its answer, once. */
  | { outcome: 'allowed'; settle: ((status: number) => void) | null; observed: boolean }
  /** Nobody can decide, and the failsafe mode is `open`. */
  | { outcome: 'opened' }
  | {
      outcome: 'refused'
      code: 'ip_not_allowed' | 'binding_banned' | 'failsafe_closed' | 'too_many_bindings'
      retryAfterSeconds?: number
    }

export type BindingRule = { mode: 'single' | 'multiple' | 'all'; allowedIps: readonly string[] }

/** Writes an admin's change into the audit chain, inside the transaction that makes the change. */
export type RecordChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

export type Bindings = {
  /** Answers without a promise when a fresh cached decision exists: the usual case. Never throws. */
  decide(call: BindingCall): Decision | Promise<Decision>

  list(query: BindingsQuery): Promise<Page<BindingItem>>
  /** Throws AppError `conflict` when the token is bound already, `malformed_request` for a bad rule. */
  create(
    input: { digest: string; tokenDisplay: string; rule: BindingRule },
    record: RecordChange,
  ): Promise<BindingItem>
  /** Binds a credential that was made in this transaction. Throws AppError `malformed_request` for a bad rule. */
  bindNew(
    tx: Queryable,
    input: { digest: string; tokenDisplay: string; clientId: number; rule: BindingRule },
  ): Promise<void>
  /** Removes the bindings of credentials that cease to be in this transaction. */
  removeAll(tx: Queryable, digests: readonly string[]): Promise<void>
  /** These answer the binding (unbind: as it was), or null for an unknown id; the change holds from the next request on. */
  unbind(id: number, record: RecordChange): Promise<BindingItem | null>
  setRule(id: number, rule: BindingRule, record: RecordChange): Promise<BindingItem | null>
  ban(id: number, record: RecordChange): Promise<BindingItem | null>
  unban(id: number, record: RecordChange): Promise<BindingItem | null>

  listIntercepts(query: InterceptsQuery): Promise<Page<InterceptItem>>
  exportIntercepts(query: InterceptsExportQuery): AsyncIterable<InterceptItem[]>
  dashboard(): Promise<DashboardAnswer>

  /** False while calls cannot be decided (readiness). */
  canDecide(): boolean
  /** Stops timers and writes what is still held in memory. */
  close(): Promise<void>
}
export type BindingsDependencies = {
  config: Pick<Config, 'bindingMode' | 'bindIpv6Prefix' | 'bindNewPerMinute' | 'retention'> & {
    cache: Pick<Config['cache'], 'bindings_max'>
  }
  store: Pick<Store, 'database' | 'notices' | 'counters' | 'sharedCache' | 'journal' | 'jobs'>
  clock: Clock
  logger: Logger
  settings(): Settings
  /** Queues the alert of a reached threshold, inside the transaction that writes its intercept. */
  enqueueAlert(tx: Queryable, body: object, key: string): Promise<void>
}

/** Far below the life of an entry in Redis, and soon enough after Redis came back empty. */
const sharedRefreshMs = 60_000

export async function createBindings(dependencies: BindingsDependencies): Promise<Bindings> {
  const { config, store, clock, logger, settings, enqueueAlert } = dependencies
  const { database, notices, counters, sharedCache, journal } = store
  const bindingStore = createBindingStore(database)
  const cache = createDecisionCache(config.cache.bindings_max, clock, sharedCache && sharedRefreshMs)
  const changes = createBindingChanges({ store: bindingStore, notices, sharedCache, cache, logger })
  const interceptLog = createInterceptLog({
    database,
    journal,
    counters,
    clock,
    logger,
    settings,
    enqueueAlert,
  })
  const lastUsed = createBindingLastUsed({ database, clock, logger })
  const dailyCounts = createDailyCounts({ database, clock, logger })
  const housekeeping = createHousekeeping({
    database,
    changes,
    clock,
    logger,
    retention: config.retention,
    archiveDays: () => settings().archive_days,
  })
  await store.jobs.schedule('bindings-housekeeping', '10 3 * * *', housekeeping)

  return {
    decide: createDecide({
      cache,
      notices,
      lookUp: createLookUp({ store: bindingStore, sharedCache, clock, logger }),
      firstUse: createFirstUse({ store: bindingStore, counters, sharedCache, config, clock, logger }),
      confirm: bindingStore.confirm,
      withdraw: changes.withdraw,
      recordIntercept: interceptLog.record,
      touch: lastUsed.touch,
      count: dailyCounts.count,
      settings,
      bindingMode: config.bindingMode,
      logger,
    }),
    list: bindingStore.list,
    create: changes.create,
    bindNew: changes.bindNew,
    removeAll: changes.removeAll,
    unbind: changes.unbind,
    setRule: changes.setRule,
    ban: changes.ban,
    unban: changes.unban,
    listIntercepts: (query) => listIntercepts(database, query),
    exportIntercepts: (query) => exportIntercepts(database, query),
    async dashboard() {
      const [trend, counts, recent] = await Promise.all([
        dailyCounts.trend(7),
        bindingStore.counts(),
        readNewest(database, 10),
      ])
      const { requests = 0, allowed = 0, intercepted = 0 } = trend.at(-1) ?? {}
      return {
        today: { requests, allowed, intercepted },
        bindings: counts,
        trend,
        recent_intercepts: recent,
      }
    },
    canDecide: () => notices.isFresh() || database.isReachable() || (sharedCache?.isUsable() ?? false),
    async close() {
      changes.close()
      await Promise.all([interceptLog.close(), lastUsed.close(), dailyCounts.close()])
    },
  }
}
