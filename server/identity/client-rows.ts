// Rows of the clients table, and what the code makes of them.
import { type ClientItem, type ClientSettings, clientSettings } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'

export type ClientRow = {
  id: number
  external_id: string
  name: string
  email: string | null
  status: 'active' | 'suspended'
  issuer: string | null
  shared_keys: boolean
  settings: string
  created_at: Date
}

export const clientColumns = 'id, external_id, name, email, status, issuer, shared_keys, settings, created_at'

export function toClientItem(row: ClientRow): ClientItem {
  return {
    id: row.id,
    external_id: row.external_id,
    name: row.name,
    email: row.email,
    status: row.status,
    shared_keys: row.shared_keys,
    settings: readSettings(row.settings),
    created_at: row.created_at.toISOString(),
  }
}

export function readSettings(text: string): ClientSettings {
  return clientSettings.parse(JSON.parse(text))
}

/** The client, locked until the transaction ends; null for an unknown id. */
export async function lockClient(tx: Queryable, id: number): Promise<ClientRow | null> {
  const { rows } = await tx.query<ClientRow>(
    `select ${clientColumns} from clients where id = $1 for update`,
    [id],
  )
  return rows[0] ?? null
}

/** Keeps the client from being deleted until the transaction ends; false when there is none. */
export async function holdClient(tx: Queryable, id: number): Promise<boolean> {
  const { rowCount } = await tx.query('select 1 from clients where id = $1 for key share', [id])
  return rowCount > 0
}
