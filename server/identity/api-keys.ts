// The life of an API key: made for a client, rotated under one id, revoked, reactivated.
import { AppError, type KeyItem } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { createConditions, type Database, type Queryable, selectPage } from '../store/store.ts'
import { type ApiKeyRow, type ApiKeyRows, apiKeyColumns, toKeyItem } from './api-key-rows.ts'
import type { ApiKeys, RecordChange } from './caller-types.ts'
import { holdClient } from './client-rows.ts'
import { apiKeyTag, type IdentityChanges } from './identity-changes.ts'

export function createApiKeys(dependencies: {
  database: Database
  changes: IdentityChanges
  rows: ApiKeyRows
  clock: Clock
}): ApiKeys {
  const { database, changes, rows, clock } = dependencies

  /** Locks the key, lets `work` change it and records that; null for an unknown id. */
  async function change<T extends { key: KeyItem }>(
    id: number,
    { action, record }: { action: string; record: RecordChange },
    work: (tx: Queryable, before: KeyItem) => Promise<T>,
  ): Promise<T | null> {
    return changes.commit(async (tx, touch) => {
      const before = await lockKey(tx, id, clock.now())
      if (!before) return null
      touch(apiKeyTag(id))
      const changed = await work(tx, before)
      await record(tx, { action, target: `api key ${id}`, before, after: changed.key })
      return changed
    })
  }

  /** Null takes the revocation back. */
  async function setRevoked(
    id: number,
    revokedAt: Date | null,
    audit: { action: string; record: RecordChange },
  ) {
    const changed = await change(id, audit, async (tx, before) => {
      const { rows: updated } = await tx.query<ApiKeyRow>(
        `update api_keys set revoked_at = $3 where id = $1 and client_id = $2 returning ${apiKeyColumns}`,
        [id, before.client_id, revokedAt],
      )
      if (!updated[0]) throw new Error('a locked key vanished')
      return { key: toKeyItem(updated[0], clock.now()) }
    })
    return changed?.key ?? null
  }

  return {
    async list(clientId, query) {
      const { rowCount } = await database.query('select 1 from clients where id = $1', [clientId])
      if (rowCount === 0) return null
      const conditions = createConditions()
      conditions.add((value) => `client_id = ${value}`, clientId)
      const page = await selectPage<ApiKeyRow>(database, {
        table: 'api_keys',
        columns: apiKeyColumns,
        order: ['id'],
        conditions,
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map((row) => toKeyItem(row, clock.now())) }
    },

    create: (clientId, input, record) =>
      changes.commit(async (tx) => {
        if (!(await holdClient(tx, clientId))) return null
        const made = await rows.insert(tx, clientId, input)
        const target = `api key ${made.key.id}`
        await record(tx, { action: 'api_key.create', target, before: null, after: made.key })
        return made
      }),

    revoke: (id, record) => setRevoked(id, new Date(clock.now()), { action: 'api_key.revoke', record }),
    reactivate: (id, record) => setRevoked(id, null, { action: 'api_key.reactivate', record }),

    rotate: (id, graceSeconds, record) =>
      change(id, { action: 'api_key.rotate', record }, (tx, before) => {
        if (before.status !== 'active') {
          throw new AppError('conflict', {
            message: `Key ${id} is ${before.status}: a new secret would not work.`,
          })
        }
        return rows.renew(tx, id, graceSeconds)
      }),
  }
}

async function lockKey(tx: Queryable, id: number, nowMs: number): Promise<KeyItem | null> {
  const { rows } = await tx.query<ApiKeyRow>(
    `select ${apiKeyColumns} from api_keys where id = $1 for update`,
    [id],
  )
  return rows[0] ? toKeyItem(rows[0], nowMs) : null
}
