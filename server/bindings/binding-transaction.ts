// Changes of bindings within one transaction.
import type { BindingItem } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import {
  type BindingRow,
  bindingColumns,
  type InsertedRow,
  insertSql,
  type NewBinding,
  type StoredBinding,
  toBytes,
  toDigest,
  toItem,
  toStored,
} from './binding-rows.ts'
import type { BindingRule } from './bindings.ts'

/** A digest whose binding changed, and the version that its new state (or absence) has. */
export type Change = { digest: string; version: number }
export type Changed = { stored: StoredBinding; item: BindingItem }
export type BindingTransaction = ReturnType<typeof openBindingTransaction>

export function openBindingTransaction(tx: Queryable) {
  async function nextVersionAfter(deletion: string, values: readonly unknown[]): Promise<number | null> {
    const { rows } = await tx.query<{ version: number }>(
      `with gone as (${deletion} returning id) select nextval('binding_version') as version from gone`,
      values,
    )
    return rows[0]?.version ?? null
  }

  return {
    /** For what other rooms write in the same transaction: audit, notices. */
    tx,

    /** Null when the token is bound already. */
    async insert({ digest, tokenDisplay, rule, clientId }: NewBinding): Promise<Changed | null> {
      const values = [toBytes(digest), tokenDisplay, rule.mode, rule.allowedIps, null, false, clientId]
      const { rows } = await tx.query<InsertedRow>(insertSql, values)
      return rows[0]?.made ? { stored: toStored(rows[0]), item: toItem(rows[0]) } : null
    },

    /** The binding, locked until the transaction ends; null for an unknown id. */
    async lock(id: number): Promise<{ digest: string; item: BindingItem } | null> {
      const { rows } = await tx.query<BindingRow>(
        `select ${bindingColumns} from bindings where id = $1 for update`,
        [id],
      )
      return rows[0] ? { digest: toDigest(rows[0].digest), item: toItem(rows[0]) } : null
    },

    /** Puts rule and status of a locked binding; an admin's change also confirms it. */
    async update(id: number, patch: { rule?: BindingRule; status?: 'active' | 'banned' }): Promise<Changed> {
      const { rows } = await tx.query<BindingRow>(
        `update bindings set mode = coalesce($2::text, mode), allowed_ips = coalesce($3::text[], allowed_ips),
           status = coalesce($4::text, status), provisional = false, version = nextval('binding_version')
         where id = $1 returning ${bindingColumns}`,
        [id, patch.rule?.mode ?? null, patch.rule?.allowedIps ?? null, patch.status ?? null],
      )
      if (!rows[0]) throw new Error('a locked binding vanished')
      if (patch.rule) {
        await tx.query('delete from binding_ranges where binding_id = $1', [id])
        await tx.query('insert into binding_ranges (binding_id, range) select $1, unnest($2::cidr[])', [
          id,
          patch.rule.allowedIps,
        ])
      }
      return { stored: toStored(rows[0]), item: toItem(rows[0]) }
    },

    /** Deletes a locked binding; answers the version from which on it is absent. */
    async delete(id: number): Promise<number> {
      const version = await nextVersionAfter('delete from bindings where id = $1', [id])
      if (version === null) throw new Error('a locked binding vanished')
      return version
    },

    /** Deletes a first-use binding that nothing confirmed and nobody changed; null when there is none such. */
    deleteProvisional: (digest: string, version: number): Promise<number | null> =>
      nextVersionAfter('delete from bindings where digest = $1 and version = $2 and provisional', [
        toBytes(digest),
        version,
      ]),

    /** Moves up to `rowsMax` active bindings idle since before `idleSince` to the archive; a ban stays. */
    async archiveIdle(idleSince: Date, rowsMax: number): Promise<Change[]> {
      const { rows } = await tx.query<{ digest: Buffer; version: number }>(
        `with idle as (
           select id from bindings where status = 'active' and coalesce(last_used_at, created_at) < $1
           limit $2 for update skip locked
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
    },
  }
}

/** Deletes the bindings of `digests` whatever their state, those in the archive too. */
export async function deleteBindings(tx: Queryable, digests: readonly string[]): Promise<Change[]> {
  const bytes = digests.map(toBytes)
  await tx.query('delete from archived_bindings where digest = any($1)', [bytes])
  const { rows } = await tx.query<{ digest: Buffer; version: number }>(
    `with gone as (delete from bindings where digest = any($1) returning digest)
     select digest, nextval('binding_version') as version from gone`,
    [bytes],
  )
  return rows.map((row) => ({ digest: toDigest(row.digest), version: row.version }))
}
