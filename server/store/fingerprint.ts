// Which secrets a database belongs to: another pepper would silently lift every ban, another master key open nothing.
import { createHmac } from 'node:crypto'
import { ConfigError } from '../config/config.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import type { Secret } from '../lib/secret.ts'
import type { Connection } from './connection.ts'
import type { Queryable } from './store.ts'

const queryLimitMs = 10_000

type Secrets = { pepper: Secret; masterKey: Secret; masterKeyPrevious: readonly Secret[] }

/** One-way: they tell whether secrets are the same and nothing about them. */
export type Fingerprints = { pepper: string; masterKey: string }

/** Which of `secrets` are others than those remembered. */
export function findForeignSecrets(remembered: Fingerprints, secrets: Secrets): Set<keyof Fingerprints> {
  const foreign = new Set<keyof Fingerprints>()
  if (remembered.pepper !== fingerprint(secrets.pepper, 'pepper')) foreign.add('pepper')
  const opening = [secrets.masterKey, ...secrets.masterKeyPrevious]
  if (!opening.some((key) => remembered.masterKey === fingerprint(key, 'master key'))) {
    foreign.add('masterKey')
  }
  return foreign
}

/** What a database remembers of its secrets; null before its first start. */
export async function readFingerprints(connection: Connection): Promise<Fingerprints | null> {
  const { rows } = await connection.query<{ pepper: string; master_key: string }>(
    'select pepper_fingerprint as pepper, master_key_fingerprint as master_key from installation where id = 1',
    [],
    queryLimitMs,
  )
  return rows[0] ? { pepper: rows[0].pepper, masterKey: rows[0].master_key } : null
}

/**
 * Remembers the secrets of the first start and holds every later one against them. Throws ConfigError for another
 * pepper, and for another master key unless the remembered one is among the previous ones. What is remembered stays:
 * only the rotation of the vault, which seals every record anew, may move it on.
 */
export async function checkFingerprints(connection: Connection, secrets: Secrets): Promise<void> {
  const own = {
    pepper: fingerprint(secrets.pepper, 'pepper'),
    masterKey: fingerprint(secrets.masterKey, 'master key'),
  }
  await connection.query(
    `insert into installation (id, pepper_fingerprint, master_key_fingerprint) values (1, $1, $2)
     on conflict (id) do nothing`,
    [own.pepper, own.masterKey],
    queryLimitMs,
  )
  refuseForeignSecrets(findForeignSecrets((await readFingerprints(connection)) ?? own, secrets))
}

/** Throws ConfigError with a line for each. */
export function refuseForeignSecrets(foreign: ReadonlySet<keyof Fingerprints>): void {
  if (foreign.size > 0) throw new ConfigError([...foreign].map((name) => problems[name]))
}

const problems: Readonly<Record<keyof Fingerprints, string>> = {
  pepper:
    'SENTINEL_HMAC_SECRET: is not the one this database was made with; with another one every binding and ban would be lost. Put the former value back, or use an empty database',
  masterKey:
    'MASTER_KEY: is not the one this database was made with. Put the former value back, or name it in MASTER_KEY_PREVIOUS. Example: MASTER_KEY_PREVIOUS=<former MASTER_KEY>',
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
