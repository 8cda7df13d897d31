// SQL of the provider keys; the client id comes first in every look-up.
import type { Database, Queryable } from '../store/store.ts'
import type { Envelope, Place } from './envelope.ts'

export type StoredProviderKey = Place & Envelope & { id: number; last4: string; updatedAt: Date }

type KeyRow = {
  id: number
  client_id: number | null
  provider: string
  version: number
  last4: string
  sealed: Buffer
  sealed_data_key: Buffer
  master_key_id: string
  updated_at: Date
}

const columns = 'id, client_id, provider, version, last4, sealed, sealed_data_key, master_key_id, updated_at'

export async function findProviderKey(
  database: Queryable,
  clientId: number | null,
  provider: string,
): Promise<StoredProviderKey | null> {
  const { rows } = await database.query<KeyRow>(
    `select ${columns} from provider_keys where client_id is not distinct from $1 and provider = $2`,
    [clientId, provider],
  )
  return rows[0] ? toStored(rows[0]) : null
}

export async function listProviderKeys(
  database: Queryable,
  clientId: number | null,
): Promise<StoredProviderKey[]> {
  const { rows } = await database.query<KeyRow>(
    `select ${columns} from provider_keys where client_id is not distinct from $1 order by provider`,
    [clientId],
  )
  return rows.map(toStored)
}

/** The providers of each client's keys, in their order. */
export async function listClientProviders(
  database: Queryable,
  clientIds: readonly number[],
): Promise<Map<number, string[]>> {
  const { rows } = await database.query<{ client_id: number; providers: string[] }>(
    `select client_id, array_agg(provider order by provider) as providers from provider_keys
     where client_id = any($1) group by client_id`,
    [clientIds],
  )
  return new Map(rows.map((row) => [row.client_id, row.providers]))
}

/** One writer at a time for this client and provider, until `tx` ends. */
export async function lockProviderKey(
  tx: Queryable,
  clientId: number | null,
  provider: string,
): Promise<StoredProviderKey | null> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    JSON.stringify(['provider key', clientId, provider]),
  ])
  return findProviderKey(tx, clientId, provider)
}

export async function putProviderKey(
  tx: Queryable,
  { clientId, provider, version, last4, ...envelope }: Place & Envelope & { last4: string },
): Promise<Date> {
  const { rows } = await tx.query<{ updated_at: Date }>(
    `insert into provider_keys (client_id, provider, version, last4, sealed, sealed_data_key, master_key_id)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (client_id, provider) do update set version = excluded.version, last4 = excluded.last4,
       sealed = excluded.sealed, sealed_data_key = excluded.sealed_data_key, master_key_id = excluded.master_key_id,
       updated_at = now()
     returning updated_at`,
    [clientId, provider, version, last4, envelope.sealed, envelope.sealedDataKey, envelope.masterKeyId],
  )
  if (!rows[0]) throw new Error('an insert answered no row')
  return rows[0].updated_at
}

export async function deleteProviderKey(
  tx: Queryable,
  clientId: number | null,
  provider: string,
): Promise<void> {
  await tx.query('delete from provider_keys where client_id is not distinct from $1 and provider = $2', [
    clientId,
    provider,
  ])
}

/** The providers whose keys are gone. */
export async function deleteClientKeys(tx: Queryable, clientId: number): Promise<string[]> {
  const { rows } = await tx.query<{ provider: string }>(
    'delete from provider_keys where client_id = $1 returning provider',
    [clientId],
  )
  return rows.map((row) => row.provider)
}

/** Records under another master key than `masterKeyId`, by id, after `afterId`. */
export async function listOutdated(
  database: Database,
  masterKeyId: string,
  afterId: number,
  rowsMax: number,
): Promise<StoredProviderKey[]> {
  const { rows } = await database.query<KeyRow>(
    `select ${columns} from provider_keys where master_key_id <> $1 and id > $2 order by id limit $3`,
    [masterKeyId, afterId, rowsMax],
  )
  return rows.map(toStored)
}

export async function countByMasterKey(database: Queryable): Promise<Map<string, number>> {
  const { rows } = await database.query<{ master_key_id: string; keys: number }>(
    'select master_key_id, count(*) as keys from provider_keys group by master_key_id',
  )
  return new Map(rows.map((row) => [row.master_key_id, row.keys]))
}

/** False when the record was changed or removed meanwhile: it then needs no more. */
export async function replaceDataKey(
  database: Queryable,
  stored: StoredProviderKey,
  fresh: Envelope,
): Promise<boolean> {
  const { rowCount } = await database.query(
    `update provider_keys set sealed_data_key = $3, master_key_id = $4
     where id = $1 and version = $2 and master_key_id = $5`,
    [stored.id, stored.version, fresh.sealedDataKey, fresh.masterKeyId, stored.masterKeyId],
  )
  return rowCount === 1
}

function toStored(row: KeyRow): StoredProviderKey {
  return {
    id: row.id,
    clientId: row.client_id,
    provider: row.provider,
    version: row.version,
    last4: row.last4,
    sealed: row.sealed,
    sealedDataKey: row.sealed_data_key,
    masterKeyId: row.master_key_id,
    updatedAt: row.updated_at,
  }
}
