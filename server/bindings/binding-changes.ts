// Changes of bindings: committed in PostgreSQL first, told to every process, then written to the caches.
import { AppError, type BindingItem } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import type { Notices, Queryable, SharedCache } from '../store/store.ts'
import type { NewBinding, StoredBinding } from './binding-rows.ts'
import { type BindingStore, decisionDeadlineMs } from './binding-store.ts'
import {
  type BindingTransaction,
  type Change,
  deleteBindings,
  openBindingTransaction,
} from './binding-transaction.ts'
import type { BindingRule, RecordChange } from './bindings.ts'
import type { DecisionCache } from './decision-cache.ts'
import { formatShared } from './look-up.ts'
import { checkRule } from './rule.ts'

const topic = 'bindings'
/** A notice stays below PostgreSQL's limit of 8,000 bytes with this many changes. */
const changesPerNotice = 100

type Notice = {
  changes: [digest: string, version: number][]
  /** The changing process could not reach Redis: whoever can, drops the older entries there. */
  unmarked: boolean
}

/** A committed state (null: absent), and the generation of Redis in which it was marked (null: it was not). */
type Written = Change & { stored: StoredBinding | null; generation: string | null }

export type BindingChanges = ReturnType<typeof createBindingChanges>

export function createBindingChanges(dependencies: {
  store: Pick<BindingStore, 'transaction'>
  notices: Notices
  sharedCache: SharedCache | null
  cache: DecisionCache
  logger: Logger
}) {
  const { store, notices, sharedCache, cache, logger } = dependencies

  const unsubscribe = notices.subscribe(topic, (payload) => {
    // Only processes of this database can send on the channel, and all of them send this shape.
    const { changes, unmarked } = payload as Notice
    for (const [digest, version] of changes) {
      cache.invalidate(digest, version)
      if (unmarked) void writeShared({ digest, version, stored: null, generation: null })
    }
  })
  const unwatch = notices.onGap(() => cache.forget())

  /** A state goes in when the change was marked; otherwise what is older only goes out. */
  async function writeShared(written: Written): Promise<void> {
    const { digest, version, stored, generation } = written
    try {
      if (stored && generation !== null)
        await sharedCache?.put(digest, version, formatShared(stored), generation)
      else await sharedCache?.drop(digest, version)
    } catch (error) {
      // Its older entry goes with the new generation that begins when Redis is back.
      logger.warn('a change did not reach Redis', { component: 'bindings', error })
    }
  }

  /** Keeps readers of Redis from the old entry until the change stands there; null when Redis could not be told. */
  async function markShared(digest: string): Promise<string | null> {
    try {
      return (await sharedCache?.markChanging(digest)) ?? null
    } catch {
      return null
    }
  }

  async function publish(tx: Queryable, changes: readonly Change[], unmarked: boolean): Promise<void> {
    for (let start = 0; start < changes.length; start += changesPerNotice) {
      const part = changes.slice(start, start + changesPerNotice)
      const notice: Notice = { changes: part.map(({ digest, version }) => [digest, version]), unmarked }
      await notices.publish(tx, topic, notice)
    }
  }

  async function settle(written: Written): Promise<void> {
    // The new state is not remembered here: by now it may be old as well, and the notice of that lost. The next call looks it up.
    cache.invalidate(written.digest, written.version)
    await writeShared(written)
  }

  /** Locks the binding, lets `work` change and record it, and makes the outcome known everywhere; null for an unknown id. */
  async function change(
    id: number,
    work: (
      bindings: BindingTransaction,
      before: BindingItem,
    ) => Promise<{ version: number; stored: StoredBinding | null; answer: BindingItem }>,
  ): Promise<BindingItem | null> {
    const done = await store.transaction(async (bindings) => {
      const locked = await bindings.lock(id)
      if (!locked) return null
      const generation = await markShared(locked.digest)
      const outcome = await work(bindings, locked.item)
      await publish(bindings.tx, [{ digest: locked.digest, version: outcome.version }], generation === null)
      return { ...outcome, digest: locked.digest, generation }
    })
    if (!done) return null
    await settle(done)
    return done.answer
  }

  function update(
    id: number,
    action: string,
    patch: { rule?: BindingRule; status?: 'active' | 'banned' },
    record: RecordChange,
  ) {
    return change(id, async (bindings, before) => {
      const { stored, item } = await bindings.update(id, patch)
      await record(bindings.tx, { action, target: `binding ${id}`, before, after: item })
      return { version: stored.version, stored, answer: item }
    })
  }

  return {
    async create(input: NewBinding, record: RecordChange): Promise<BindingItem> {
      const rule = checkRule(input.rule)
      const generation = await markShared(input.digest)
      const { stored, item } = await store.transaction(async (bindings) => {
        const inserted = await bindings.insert({ ...input, rule })
        if (!inserted) {
          throw new AppError('conflict', {
            message: `${input.tokenDisplay} is bound already: change its rule, or unbind it first.`,
          })
        }
        await record(bindings.tx, {
          action: 'binding.create',
          target: `binding ${inserted.item.id}`,
          before: null,
          after: inserted.item,
        })
        await publish(
          bindings.tx,
          [{ digest: input.digest, version: inserted.stored.version }],
          generation === null,
        )
        return inserted
      })
      await settle({ digest: input.digest, version: stored.version, stored, generation })
      return item
    },

    /** No cache can know anything of a digest that is made in the same transaction, so none is told. */
    async bindNew(tx: Queryable, input: NewBinding): Promise<void> {
      const rule = checkRule(input.rule)
      if (!(await openBindingTransaction(tx).insert({ ...input, rule }))) {
        throw new Error('a new credential is bound already')
      }
    },

    async removeAll(tx: Queryable, digests: readonly string[]): Promise<void> {
      await publish(tx, await deleteBindings(tx, digests), true)
    },

    unbind: (id: number, record: RecordChange) =>
      change(id, async (bindings, before) => {
        const version = await bindings.delete(id)
        await record(bindings.tx, { action: 'binding.unbind', target: `binding ${id}`, before, after: null })
        return { version, stored: null, answer: before }
      }),
    setRule: (id: number, rule: BindingRule, record: RecordChange) =>
      update(id, 'binding.set_rule', { rule: checkRule(rule) }, record),
    ban: (id: number, record: RecordChange) => update(id, 'binding.ban', { status: 'banned' }, record),
    unban: (id: number, record: RecordChange) => update(id, 'binding.unban', { status: 'active' }, record),

    /**
     * Takes back a first-use binding that nothing confirmed; one that was used or changed meanwhile stays. Calls wait
     * for it, hence their deadline.
     */
    async withdraw(digest: string, version: number): Promise<void> {
      const generation = await markShared(digest)
      const removed = await store.transaction(
        async (bindings) => {
          const removedVersion = await bindings.deleteProvisional(digest, version)
          if (removedVersion !== null)
            await publish(bindings.tx, [{ digest, version: removedVersion }], generation === null)
          return removedVersion
        },
        { deadlineMs: decisionDeadlineMs },
      )
      if (removed !== null) await settle({ digest, version: removed, stored: null, generation })
    },

    /** Archives up to `rowsMax` idle bindings in one transaction; answers how many. */
    async archive(idleSince: Date, rowsMax: number): Promise<number> {
      const gone = await store.transaction(async (bindings) => {
        const archived = await bindings.archiveIdle(idleSince, rowsMax)
        await publish(bindings.tx, archived, true)
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
