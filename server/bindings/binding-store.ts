// SQL of the bindings table.
import type { BindingItem, BindingsQuery, DashboardAnswer } from '@sallyport/contract'
import { type Conditions, createConditions, type Database, type Page, selectPage } from '../store/store.ts'
import { checkAddress } from './address-filter.ts'
import {
  type BindingRow,
  bindingColumns,
  type InsertedRow,
  insertSql,
  type NewBinding,
  type StoredBinding,
  toBytes,
  toItem,
  toStored,
} from './binding-rows.ts'
import { type BindingTransaction, openBindingTransaction } from './binding-transaction.ts'

/** Longest wait of a call's decision for the database (SPEC §3, failsafe). */
export const decisionDeadlineMs = 1000

export type BindingStore = ReturnType<typeof createBindingStore>

export function createBindingStore(database: Database) {
  return {
    /** Null when the digest has no binding. */
    async find(digest: string, deadlineMs = decisionDeadlineMs): Promise<StoredBinding | null> {
      const { rows } = await database.query<BindingRow>(
        `select ${bindingColumns} from bindings where digest = $1`,
        [toBytes(digest)],
        { deadlineMs },
      )
      return rows[0] ? toStored(rows[0]) : null
    },

    /** `made` is false when another call bound the token first: then the binding is that one. */
    async insertFirstUse(binding: NewBinding, at: Date): Promise<{ binding: StoredBinding; made: boolean }> {
      const { digest, tokenDisplay, rule, clientId } = binding
      const { rows } = await database.query<InsertedRow>(
        insertSql,
        [toBytes(digest), tokenDisplay, rule.mode, rule.allowedIps, at, true, clientId],
        { deadlineMs: decisionDeadlineMs },
      )
      const [row] = rows
      if (!row) throw new Error('an insert answered no row')
      return { binding: toStored(row), made: row.made }
    },

    /** False when the binding is gone or was changed. */
    async confirm(digest: string, version: number): Promise<boolean> {
      const { rowCount } = await database.query(
        'update bindings set provisional = false where digest = $1 and version = $2',
        [toBytes(digest), version],
        { deadlineMs: decisionDeadlineMs },
      )
      return rowCount > 0
    },

    /** Commits when `work` resolves, rolls back when it throws. */
    transaction: <T>(
      work: (bindings: BindingTransaction) => Promise<T>,
      options?: { deadlineMs: number },
    ): Promise<T> => database.transaction((tx) => work(openBindingTransaction(tx)), options),

    async list(query: BindingsQuery): Promise<Page<BindingItem>> {
      const page = await selectPage<BindingRow>(database, {
        table: 'bindings',
        columns: bindingColumns,
        order: ['id'],
        conditions: bindingConditions(query),
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map(toItem) }
    },

    /** At once: as lists do, with an estimate where they are many and not counted yet. */
    async counts(): Promise<DashboardAnswer['bindings']> {
      const count = async (status: 'active' | 'banned') => {
        const list = { table: 'bindings', conditions: bindingConditions({ status }) }
        const expected = await database.expectRows(list)
        if (expected.isDue) database.countLater(list)
        return expected
      }
      const [active, banned] = await Promise.all([count('active'), count('banned')])
      const counts = { total: active.rows + banned.rows, active: active.rows, banned: banned.rows }
      return active.isExact && banned.isExact ? counts : { ...counts, is_estimate: true }
    },
  }
}

function bindingConditions(query: Omit<BindingsQuery, 'page' | 'page_size'>): Conditions {
  const conditions = createConditions()
  if (query.q !== undefined) conditions.addPrefix('token_display', query.q)
  if (query.status !== undefined) {
    const other = (value: string) => `status = case ${value} when 'active' then 'banned' else 'active' end`
    conditions.add((value) => `status = ${value}`, query.status, other)
  }
  if (query.mode !== undefined) conditions.add((value) => `mode = ${value}`, query.mode)
  if (query.ip !== undefined) {
    conditions.add(
      (value) =>
        `id in (select binding_id from binding_ranges where range >>= ${value}::inet union all select id from bindings where mode = 'all')`,
      checkAddress('ip', query.ip),
    )
  }
  return conditions
}
