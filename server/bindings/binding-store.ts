// SQL of the bindings table.
import type { BindingItem, BindingsQuery } from '@sallyport/contract'
import type { Database, Queryable } from '../store/store.ts'
import type { BindingRule, Page } from './bindings.ts'
import { type Conditions, createConditions, selectPage } from './page.ts'

/** Longest wait of a call's decision for the database (SPEC §3, failsafe). */
export const decisionDeadlineMs = 1000

/** What a decision has to know of a binding. */
export type StoredBinding = {
  id: number
  version: number
  status: 'active' | 'banned'
  rule: BindingRule
  /** Made by a first use that nothing has confirmed yet. */
  provisional: boolean
}

export type NewBinding = { digest: string; tokenDisplay: string; rule: BindingRule }
/** A binding that is gone, and the version that its absence has. */
export type RemovedBinding = { digest: string; version: number; item: BindingItem }

type BindingRow = {
  id: number
  digest: Buffer
  version: number
  status: 'active' | 'banned'
  mode: BindingRule['mode']
  allowed_ips: string[]
  provisional: boolean
  token_display: string
  client_id: number | null
  first_used_at: Date | null
  last_used_at: Date | null
}

type InsertedRow = BindingRow & { made: boolean }

const columns =
  'id, digest, version, status, mode, allowed_ips, provisional, token_display, client_id, first_used_at, last_used_at'

/**
 * Inserts a binding with its ranges, or answers the one that stands there (`made` false) untouched, in one statement:
 * `$1` digest, `$2` display, `$3` mode, `$4` ranges, `$5` first use, `$6` provisional.
 * `xmax = 0` is true of a row just inserted; the update that changes nothing is what makes a conflict answer its row.
 */
const insertSql = `
  with standing as (
    insert into bindings (digest, token_display, mode, allowed_ips, first_used_at, last_used_at, provisional)
    values ($1, $2, $3, $4::text[], $5, $5, $6)
    on conflict (digest) do update set digest = excluded.digest
    returning ${columns}, xmax = 0 as made
  ), ranges as (
    insert into binding_ranges (binding_id, range) select standing.id, unnest($4::cidr[]) from standing where made
  )
  select * from standing`

export type BindingStore = ReturnType<typeof createBindingStore>

export function createBindingStore(database: Database) {
  return {
    /** Null when the digest has no binding. */
    async find(digest: string, deadlineMs = decisionDeadlineMs): Promise<StoredBinding | null> {
      const { rows } = await database.query<BindingRow>(
        `select ${columns} from bindings where digest = $1`,
        [toBytes(digest)],
        { deadlineMs },
      )
      return rows[0] ? toStored(rows[0]) : null
    },

    /** `made` is false when another call bound the token first: then the binding is that one. */
    async insertFirstUse(binding: NewBinding, at: Date): Promise<{ binding: StoredBinding; made: boolean }> {
      const { digest, tokenDisplay, rule } = binding
      const { rows } = await database.query<InsertedRow>(
        insertSql,
        [toBytes(digest), tokenDisplay, rule.mode, rule.allowedIps, at, true],
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

    async list(query: BindingsQuery): Promise<Page<BindingItem>> {
      const page = await selectPage<BindingRow>(database, {
        table: 'bindings',
        columns,
        order: ['id'],
        conditions: bindingConditions(query),
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map(toItem) }
    },

    async counts(): Promise<{ total: number; active: number; banned: number }> {
      const { rows } = await database.query<{ active: number; banned: number }>(
        `select count(*) filter (where status = 'active') as active, count(*) filter (where status = 'banned') as banned from bindings`,
      )
      const { active = 0, banned = 0 } = rows[0] ?? {}
      return { total: active + banned, active, banned }
    },
  }
}

/** Null when the token is bound already. */
export async function insertBinding(
  tx: Queryable,
  binding: NewBinding,
): Promise<{ stored: StoredBinding; item: BindingItem } | null> {
  const { digest, tokenDisplay, rule } = binding
  const { rows } = await tx.query<InsertedRow>(insertSql, [
    toBytes(digest),
    tokenDisplay,
    rule.mode,
    rule.allowedIps,
    null,
    false,
  ])
  return rows[0]?.made ? { stored: toStored(rows[0]), item: toItem(rows[0]) } : null
}

/** The binding, locked until the transaction ends. */
export async function lockBinding(
  tx: Queryable,
  id: number,
): Promise<{ digest: string; item: BindingItem } | null> {
  const { rows } = await tx.query<BindingRow>(`select ${columns} from bindings where id = $1 for update`, [
    id,
  ])
  return rows[0] ? { digest: toDigest(rows[0].digest), item: toItem(rows[0]) } : null
}

/** Puts rule and status of a locked binding; an admin's change also confirms it. */
export async function updateBinding(
  tx: Queryable,
  id: number,
  change: { rule?: BindingRule; status?: 'active' | 'banned' },
): Promise<{ stored: StoredBinding; item: BindingItem }> {
  const { rows } = await tx.query<BindingRow>(
    `update bindings set mode = coalesce($2::text, mode), allowed_ips = coalesce($3::text[], allowed_ips), status = coalesce($4::text, status),
       provisional = false, version = nextval('binding_version')
     where id = $1 returning ${columns}`,
    [id, change.rule?.mode ?? null, change.rule?.allowedIps ?? null, change.status ?? null],
  )
  if (!rows[0]) throw new Error('a locked binding vanished')
  if (change.rule) {
    await tx.query('delete from binding_ranges where binding_id = $1', [id])
    await tx.query('insert into binding_ranges (binding_id, range) select $1, unnest($2::cidr[])', [
      id,
      change.rule.allowedIps,
    ])
  }
  return { stored: toStored(rows[0]), item: toItem(rows[0]) }
}

/** Deletes a locked binding and answers the version from which on it is absent. */
export async function deleteBinding(tx: Queryable, id: number): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `with gone as (delete from bindings where id = $1 returning id) select nextval('binding_version') as version from gone`,
    [id],
  )
  if (!rows[0]) throw new Error('a locked binding vanished')
  return rows[0].version
}

/** Deletes a first-use binding that nothing has confirmed and nobody has changed; null when there is none such. */
export async function deleteProvisional(
  tx: Queryable,
  digest: string,
  version: number,
): Promise<number | null> {
  const { rows } = await tx.query<{ version: number }>(
    `with gone as (delete from bindings where digest = $1 and version = $2 and provisional returning id)
     select nextval('binding_version') as version from gone`,
    [toBytes(digest), version],
  )
  return rows[0]?.version ?? null
}

/** Moves up to `rowsMax` active bindings idle since before `idleSince` to the archive; a ban stays. */
export async function archiveIdle(
  tx: Queryable,
  idleSince: Date,
  rowsMax: number,
): Promise<{ digest: string; version: number }[]> {
  const { rows } = await tx.query<{ digest: Buffer; version: number }>(
    `with idle as (
       select id from bindings where status = 'active' and coalesce(last_used_at, created_at) < $1 limit $2 for update skip locked
     ), gone as (
       delete from bindings using idle where bindings.id = idle.id returning bindings.*
     ), kept as (
       insert into archived_bindings (id, digest, token_display, mode, allowed_ips, client_id, first_used_at, last_used_at, created_at)
       select id, digest, token_display, mode, allowed_ips, client_id, first_used_at, last_used_at, created_at from gone
     )
     select digest, nextval('binding_version') as version from gone`,
    [idleSince, rowsMax],
  )
  return rows.map((row) => ({ digest: toDigest(row.digest), version: row.version }))
}

function bindingConditions(query: BindingsQuery): Conditions {
  const conditions = createConditions()
  if (query.q !== undefined) conditions.addPrefix('token_display', query.q)
  if (query.status !== undefined) conditions.add((value) => `status = ${value}`, query.status)
  if (query.mode !== undefined) conditions.add((value) => `mode = ${value}`, query.mode)
  if (query.ip !== undefined) {
    conditions.add(
      (value) =>
        `id in (select binding_id from binding_ranges where range >>= ${value}::inet union all select id from bindings where mode = 'all')`,
      conditions.checkAddress('ip', query.ip),
    )
  }
  return conditions
}

function toStored(row: BindingRow): StoredBinding {
  const { id, version, status, provisional } = row
  return { id, version, status, provisional, rule: { mode: row.mode, allowedIps: row.allowed_ips } }
}

function toItem(row: BindingRow): BindingItem {
  return {
    id: row.id,
    token_display: row.token_display,
    mode: row.mode,
    allowed_ips: row.allowed_ips,
    status: row.status,
    client_id: row.client_id,
    first_used_at: row.first_used_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
  }
}

function toBytes(digest: string): Buffer {
  return Buffer.from(digest, 'base64url')
}

function toDigest(bytes: Buffer): string {
  return bytes.toString('base64url')
}
