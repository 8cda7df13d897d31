// Which secrets a database belongs to: another pepper would silently lift every ban, another master key open nothing.
import { createHmac } from 'node:crypto'
import { ConfigError } from '../config/config.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import type { Secret } from '../lib/secret.ts'
import type { Connection } from './connection.ts'
import type { Queryable } from './store.ts'

const queryLimitMs = 10_000

/**
 * Remembers the secrets of the first start and holds every later one against them. Throws ConfigError for another
 * pepper, and for another master key unless the remembered one is among the previous ones. What is remembered stays:
 * only the rotation of the vault, which seals every record anew, may move it on.
 */
export async function checkFingerprints(
  connection: Connection,
  secrets: { pepper: Secret; masterKey: Secret; masterKeyPrevious: readonly Secret[] },
): Promise<void> {
  const pepper = fingerprint(secrets.pepper, 'pepper')
  const masterKey = fingerprint(secrets.masterKey, 'master key')
  await connection.query(
    `insert into installation (id, pepper_fingerprint, master_key_fingerprint) values (1, $1, $2)
     on conflict (id) do nothing`,
    [pepper, masterKey],
    queryLimitMs,
  )
  const { rows } = await connection.query<{ pepper: string; master_key: string }>(
    'select pepper_fingerprint as pepper, master_key_fingerprint as master_key from installation where id = 1',
    [],
    queryLimitMs,
  )
  const problems: string[] = []
  if (rows[0]?.pepper !== pepper) {
    problems.push(
      'SENTINEL_HMAC_SECRET: is not the one this database was made with; with another one every binding and ban would be lost. Put the former value back, or use an empty database',
    )
  }
  const opened = [
    masterKey,
    ...secrets.masterKeyPrevious.map((previous) => fingerprint(previous, 'master key')),
  ]
  if (!opened.includes(rows[0]?.master_key ?? '')) {
    problems.push(
      'MASTER_KEY: is not the one this database was made with. Put the former value back, or name it in MASTER_KEY_PREVIOUS. Example: MASTER_KEY_PREVIOUS=<former MASTER_KEY>',
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
}

/** From now on a start needs this master key: everything sealed has been sealed anew under it. */
export async function rememberMasterKey(tx: Queryable, masterKey: Secret): Promise<void> {
  await tx.query('update installation set master_key_fingerprint = $1 where id = 1', [
    fingerprint(masterKey, 'master key'),
  ])
}

/** One-way and under a key of its own, so that a stolen row gives nothing to the digests made with the secret. */
function fingerprint(secret: Secret, name: string): string {
  const key = deriveKey(secret, `sallyport fingerprint of ${name}`)
  return createHmac('sha256', key).update('fingerprint').digest('base64url')
}
