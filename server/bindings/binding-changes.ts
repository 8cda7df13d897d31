// Changes of bindings: committed in PostgreSQL first, told to every process, then written to the caches.
import { AppError, type BindingItem } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import type { Database, Notices, Queryable, SharedCache } from '../store/store.ts'
import {
  archiveIdle,
  deleteBinding,
  deleteProvisional,
  insertBinding,
  lockBinding,
  type NewBinding,
  type StoredBinding,
  updateBinding,
} from './binding-store.ts'
import type { BindingRule, RecordChange } from './bindings.ts'
import { type DecisionCache, toKnown } from './decision-cache.ts'
import { formatShared } from './look-up.ts'
import { checkRule } from './rule.ts'

const topic = 'bindings'
/** A notice stays below PostgreSQL's limit of 8,000 bytes with this many changes. */
const changesPerNotice = 100

type Change = { digest: string; version: number }
type Notice = {
  changes: [digest: string, version: number][]
  /** The changing process could not reach Redis: whoever can, drops the older entries there. */
  unmarked: boolean
}

export type BindingChanges = ReturnType<typeof createBindingChanges>

export function createBindingChanges(dependencies: {
  database: Database
  notices: Notices
  sharedCache: SharedCache | null
  cache: DecisionCache
  logger: Logger
}) {
  const { database, notices, sharedCache, cache, logger } = dependencies

  const unsubscribe = notices.subscribe(topic, (payload) => {
    // Only processes of this database can send on the channel, and all of them send this shape.
    const { changes, unmarked } = payload as Notice
    for (const [digest, version] of changes) {
      cache.invalidate(digest, version)
      if (unmarked) void putShared(digest, version, null)
    }
  })
  const unwatch = notices.onGap(() => cache.forget())

  async function putShared(digest: string, version: number, stored: StoredBinding | null): Promise<void> {
    try {
      await sharedCache?.put(digest, version, stored && formatShared(stored))
    } catch (error) {
      // Its older entry goes with the new generation that begins when Redis is back.
      logger.warn('a change did not reach Redis', { component: 'bindings', error })
    }
  }

  /** True when readers of Redis are kept from the old entry until the change stands there. */
  async function markShared(digest: string): Promise<boolean> {
    try {
      await sharedCache?.markChanging(digest)
      return true
    } catch {
      return false
    }
  }

  async function publish(tx: Queryable, changes: readonly Change[], unmarked: boolean): Promise<void> {
    for (let start = 0; start < changes.length; start += changesPerNotice) {
      const part = changes.slice(start, start + changesPerNotice)
      const notice: Notice = { changes: part.map(({ digest, version }) => [digest, version]), unmarked }
      await notices.publish(tx, topic, notice)
    }
  }

  async function remember(digest: string, version: number, stored: StoredBinding | null): Promise<void> {
    cache.invalidate(digest, version)
    if (stored) cache.store(digest, toKnown(stored))
    await putShared(digest, version, stored)
  }

  /** Locks the binding, lets `work` change and record it, and makes the outcome known everywhere; null for an unknown id. */
  async function change(
    id: number,
    work: (
      tx: Queryable,
      before: BindingItem,
    ) => Promise<{ version: number; stored: StoredBinding | null; answer: BindingItem }>,
  ): Promise<BindingItem | null> {
    const done = await database.transaction(async (tx) => {
      const locked = await lockBinding(tx, id)
      if (!locked) return null
      const isMarked = await markShared(locked.digest)
      const outcome = await work(tx, locked.item)
      await publish(tx, [{ digest: locked.digest, version: outcome.version }], !isMarked)
      return { ...outcome, digest: locked.digest }
    })
    if (!done) return null
    await remember(done.digest, done.version, done.stored)
    return done.answer
  }

  function update(
    id: number,
    action: string,
    patch: { rule?: BindingRule; status?: 'active' | 'banned' },
    record: RecordChange,
  ) {
    return change(id, async (tx, before) => {
      const { stored, item } = await updateBinding(tx, id, patch)
      await record(tx, { action, target: `binding ${id}`, before, after: item })
      return { version: stored.version, stored, answer: item }
    })
  }

  return {
    async create(input: NewBinding, record: RecordChange): Promise<BindingItem> {
      const rule = checkRule(input.rule)
      const isMarked = await markShared(input.digest)
      const { stored, item } = await database.transaction(async (tx) => {
        const inserted = await insertBinding(tx, { ...input, rule })
        if (!inserted) {
          throw new AppError('conflict', {
            message: `${input.tokenDisplay} is bound already: change its rule, or unbind it first.`,
          })
        }
        await record(tx, {
          action: 'binding.create',
          target: `binding ${inserted.item.id}`,
          before: null,
          after: inserted.item,
        })
        await publish(tx, [{ digest: input.digest, version: inserted.stored.version }], !isMarked)
        return inserted
      })
      await remember(input.digest, stored.version, stored)
      return item
    },

    unbind: (id: number, record: RecordChange) =>
      change(id, async (tx, before) => {
        const version = await deleteBinding(tx, id)
        await record(tx, { action: 'binding.unbind', target: `binding ${id}`, before, after: null })
        return { version, stored: null, answer: before }
      }),
    setRule: (id: number, rule: BindingRule, record: RecordChange) =>
      update(id, 'binding.set_rule', { rule: checkRule(rule) }, record),
    ban: (id: number, record: RecordChange) => update(id, 'binding.ban', { status: 'banned' }, record),
    unban: (id: number, record: RecordChange) => update(id, 'binding.unban', { status: 'active' }, record),

    /** Takes back a first-use binding that nothing confirmed; one that was used or changed meanwhile stays. */
    async withdraw(digest: string, version: number): Promise<void> {
      const isMarked = await markShared(digest)
      const removed = await database.transaction(async (tx) => {
        const removedVersion = await deleteProvisional(tx, digest, version)
        if (removedVersion !== null) await publish(tx, [{ digest, version: removedVersion }], !isMarked)
        return removedVersion
      })
      if (removed !== null) await remember(digest, removed, null)
    },

    /** Archives up to `rowsMax` idle bindings in one transaction; answers how many. */
    async archive(idleSince: Date, rowsMax: number): Promise<number> {
      const gone = await database.transaction(async (tx) => {
        const archived = await archiveIdle(tx, idleSince, rowsMax)
        await publish(tx, archived, true)
        return archived
      })
      for (const { digest, version } of gone) cache.invalidate(digest, version)
      return gone.length
    },

    close(): void {
      unsubscribe()
      unwatch()
    },
  }
}
