// Digests of secrets, of API keys and devices alike: one is the newest, those of before work until their grace ends.
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import type { Secret } from '../lib/secret.ts'
import type { Queryable } from '../store/store.ts'

type SecretTable =
  | { table: 'api_key_secrets'; owner: 'key_id' }
  | { table: 'device_secrets'; owner: 'device_pk' }

export type SecretRows = {
  insert(tx: Queryable, ownerId: number, secret: Secret): Promise<void>
  /** `secret` becomes the newest; all others end after `graceMs` at the latest, at once with 0. */
  replace(
    tx: Queryable,
    ownerId: number,
    change: { secret: Secret; graceMs: number; nowMs: number },
  ): Promise<void>
}

export function createSecretRows({ table, owner }: SecretTable, digest: KeyedDigest): SecretRows {
  const insert: SecretRows['insert'] = async (tx, ownerId, secret) => {
    await tx.query(`insert into ${table} (digest, ${owner}) values ($1, $2)`, [
      digestBytes(digest, secret.reveal()),
      ownerId,
    ])
  }
  return {
    insert,
    async replace(tx, ownerId, { secret, graceMs, nowMs }) {
      await tx.query(`update ${table} set ends_at = least(ends_at, $2) where ${owner} = $1`, [
        ownerId,
        new Date(nowMs + graceMs),
      ])
      await tx.query(`delete from ${table} where ${owner} = $1 and ends_at <= $2`, [ownerId, new Date(nowMs)])
      await insert(tx, ownerId, secret)
    },
  }
}

export function digestBytes(digest: KeyedDigest, text: string): Buffer {
  return Buffer.from(digest(text), 'base64url')
}
