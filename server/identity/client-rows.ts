// Rows of the clients table, and what the code makes of them.
import {
  AppError,
  type ClientCreateRequest,
  type ClientItem,
  type ClientSettings,
  clientSettings,
} from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import { deriveExternalId } from './external-id.ts'

/** Names that agree in their slug are rare; whoever makes more of them gives the external id. */
const derivedIdsMax = 1000

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

/** Throws AppError `conflict` when a given external id is taken; a derived one gets a number. */
export async function insertClient(tx: Queryable, input: ClientCreateRequest): Promise<ClientRow> {
  for (let attempt = 1; attempt <= derivedIdsMax; attempt++) {
    const externalId = input.external_id ?? deriveExternalId(input.name, attempt)
    const { rows } = await tx.query<ClientRow>(
      `insert into clients (external_id, name, email) values ($1, $2, $3)
       on conflict (external_id) do nothing returning ${clientColumns}`,
      [externalId, input.name, input.email],
    )
    if (rows[0]) return rows[0]
    if (input.external_id !== undefined) break
  }
  throw taken('external_id', input.external_id ?? deriveExternalId(input.name, 1))
}

/** Null when the client is gone. Fields that are undefined stay as they are. */
export async function updateClient(
  tx: Queryable,
  id: number,
  patch: {
    [Field in 'name' | 'email' | 'status' | 'shared_keys' | 'settings']?: ClientRow[Field] | undefined
  },
): Promise<ClientRow | null> {
  const { rows } = await tx.query<ClientRow>(
    `update clients set name = coalesce($2::text, name), email = coalesce($3::text, email), status = coalesce($4::text, status),
       shared_keys = coalesce($5::boolean, shared_keys), settings = coalesce($6::text, settings)
     where id = $1 returning ${clientColumns}`,
    [id, patch.name, patch.email, patch.status, patch.shared_keys, patch.settings],
  )
  return rows[0] ?? null
}

/** Given settings replace what stands there; null takes one away, and the shared value counts again. */
export function mergeSettings(before: ClientRow, given: ClientSettings): object {
  const merged = { ...readSettings(before.settings), ...given }
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null && value !== undefined),
  )
}

/** Everything the client calls with, as `Principal.credential` names it. */
export async function listCredentials(tx: Queryable, clientId: number): Promise<string[]> {
  const { rows } = await tx.query<{ credential: string }>(
    `select 'api_key:' || id as credential from api_keys where client_id = $1
     union all select 'device:' || id from devices where client_id = $1`,
    [clientId],
  )
  return rows.map((row) => row.credential)
}

/** What another client has already. */
export function taken(field: string, value: string): AppError {
  return new AppError('conflict', { message: `${field}: another client has "${value}" already.` })
}
