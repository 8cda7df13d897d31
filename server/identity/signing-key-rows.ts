// Rows of signing keys: each sealed with the master key and bound to its key id.
import { type KeyObject, randomBytes } from 'node:crypto'
import { openSealed, seal } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import type { Queryable } from '../store/store.ts'
import { type SigningKey, toSigningKey } from './signing-key.ts'

export type SigningKeyRow = { kid: string; sealed: Buffer; created_at: Date; retired_at: Date | null }
export type StoredKey = SigningKey & { createdAt: Date; retiredAt: Date | null }

/** Held while the signing key changes: of replicas that start at once one makes the first, the others find it. */
const rotationLock = 'select pg_advisory_xact_lock(7210001)'

/** Newest first: of those not retired the first one signs. */
export async function readSigningKeys(queryable: Queryable): Promise<SigningKeyRow[]> {
  const { rows } = await queryable.query<SigningKeyRow>(
    'select kid, sealed, created_at, retired_at from signing_keys order by retired_at desc nulls first, kid',
  )
  return rows
}

export async function lockSigningKeys(tx: Queryable): Promise<void> {
  await tx.query(rotationLock)
}

/** Makes the next signing key and retires those of before; answers its key id. */
export async function insertSigningKey(tx: Queryable, masterKey: KeyObject, at: Date): Promise<string> {
  const secret = new Secret(randomBytes(32).toString('base64url'))
  const { kid } = toSigningKey(secret)
  await tx.query('update signing_keys set retired_at = $1 where retired_at is null', [at])
  await tx.query('insert into signing_keys (kid, sealed, created_at) values ($1, $2, $3)', [
    kid,
    seal(masterKey, secret.reveal(), placeOf(kid)),
    at,
  ])
  return kid
}

export async function deleteRetiredBefore(queryable: Queryable, limit: Date): Promise<void> {
  await queryable.query('delete from signing_keys where retired_at < $1', [limit])
}

/** Seals a key anew that a previous master key had sealed; does nothing when another process did meanwhile. */
export async function resealSigningKey(
  queryable: Queryable,
  row: SigningKeyRow,
  masterKey: KeyObject,
  secret: Buffer,
): Promise<void> {
  await queryable.query('update signing_keys set sealed = $3 where kid = $1 and sealed = $2', [
    row.kid,
    row.sealed,
    seal(masterKey, secret, placeOf(row.kid)),
  ])
}

/** `master` is the place in `masterKeys` of the one that opened it. Null when none does. */
export function openSigningKey(
  row: SigningKeyRow,
  masterKeys: readonly KeyObject[],
): { secret: Buffer; master: number } | null {
  for (const [master, masterKey] of masterKeys.entries()) {
    const secret = openSealed(masterKey, row.sealed, placeOf(row.kid))
    if (secret) return { secret, master }
  }
  return null
}

function placeOf(kid: string): string {
  return `signing key ${kid}`
}
