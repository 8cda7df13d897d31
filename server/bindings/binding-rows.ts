// Rows of the bindings table, and what the code makes of them.
import type { BindingItem } from '@sallyport/contract'
import type { BindingRule } from './bindings.ts'

/** What a decision has to know of a binding. */
export type StoredBinding = {
  id: number
  version: number
  status: 'active' | 'banned'
  rule: BindingRule
  /** Made by a first use that nothing has confirmed yet. */
  provisional: boolean
}

export type NewBinding = {
  digest: string
  tokenDisplay: string
  rule: BindingRule
  /** Whose credential it is; foreign tokens belong to no client. */
  clientId?: number | undefined
}
export type BindingRow = {
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

export type InsertedRow = BindingRow & { made: boolean }

export const bindingColumns =
  'id, digest, version, status, mode, allowed_ips, provisional, token_display, client_id, first_used_at, last_used_at'

/**
 * Inserts a binding with its ranges, or answers the one that stands there (`made` false) untouched, in one statement:
 * `$1` digest, `$2` display, `$3` mode, `$4` ranges, `$5` first use, `$6` provisional, `$7` client.
 * `xmax = 0` is true of a row just inserted; the update that changes nothing is what makes a conflict answer its row.
 */
export const insertSql = `
  with standing as (
    insert into bindings (digest, token_display, mode, allowed_ips, first_used_at, last_used_at, provisional, client_id)
    values ($1, $2, $3, $4::text[], $5, $5, $6, $7)
    on conflict (digest) do update set digest = excluded.digest
    returning ${bindingColumns}, xmax = 0 as made
  ), ranges as (
    insert into binding_ranges (binding_id, range) select standing.id, unnest($4::cidr[]) from standing where made
  )
  select * from standing`

export function toStored(row: BindingRow): StoredBinding {
  const { id, version, status, provisional } = row
  return { id, version, status, provisional, rule: { mode: row.mode, allowedIps: row.allowed_ips } }
}

export function toItem(row: BindingRow): BindingItem {
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

export function toBytes(digest: string): Buffer {
  return Buffer.from(digest, 'base64url')
}

export function toDigest(bytes: Buffer): string {
  return bytes.toString('base64url')
}
