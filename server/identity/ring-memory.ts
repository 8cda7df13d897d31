// The signing keys of the database as this process knows them, opened with the master key.
import type { KeyObject } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import type { Logger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import type { Database, Queryable } from '../store/store.ts'
import { type SigningKey, toSigningKey } from './signing-key.ts'
import {
  openSigningKey,
  readSigningKeys,
  resealSigningKey,
  type SigningKeyRow,
  type StoredKey,
} from './signing-key-rows.ts'

/** Tokens that name unknown keys make the ring be read this often at most; they wait for it, so that a good one is never refused. */
const readingPauseMs = 100

export type MasterKeys = { current: KeyObject; all: readonly KeyObject[] }

export function readMasterKeys(config: Pick<Config, 'masterKey' | 'masterKeyPrevious'>): MasterKeys {
  const derive = (key: Secret) => deriveKey(key, 'signing keys')
  const current = derive(config.masterKey)
  return { current, all: [current, ...config.masterKeyPrevious.map(derive)] }
}

/** How many keys that may sign none of these master keys opens. */
export async function countForeignSigningKeys(
  queryable: Queryable,
  config: Pick<Config, 'masterKey' | 'masterKeyPrevious'>,
): Promise<number> {
  const { all } = readMasterKeys(config)
  const rows = await readSigningKeys(queryable)
  return rows.filter((row) => row.retired_at === null && openSigningKey(row, all) === null).length
}

/** The keys that this process has opened, the signing one first. */
export function createRingMemory(dependencies: {
  database: Database
  master: MasterKeys
  clock: Clock
  logger: Logger
}) {
  const { database, master, clock, logger } = dependencies
  let keys: ReadonlyMap<string, StoredKey> = new Map()
  let isExpired = false
  let queued: Promise<void> | null = null
  let lastReadMs = Number.NEGATIVE_INFINITY
  let readings = 0
  let readingInForce = 0

  async function read(): Promise<void> {
    lastReadMs = clock.monotonicMs()
    isExpired = false
    const reading = ++readings
    try {
      const opened = await open(await readSigningKeys(database))
      if (reading < readingInForce) return
      readingInForce = reading
      keys = opened
    } catch (error) {
      isExpired = true
      throw error
    }
  }

  async function open(rows: readonly SigningKeyRow[]): Promise<Map<string, StoredKey>> {
    const opened = new Map<string, StoredKey>()
    for (const row of rows) {
      const key = keys.get(row.kid) ?? (await openRow(row))
      if (!key) continue
      opened.set(row.kid, { ...key, createdAt: row.created_at, retiredAt: row.retired_at })
    }
    return opened
  }

  async function openRow(row: SigningKeyRow): Promise<SigningKey | null> {
    const found = openSigningKey(row, master.all)
    if (!found) {
      const detail = `${row.kid} was sealed with another MASTER_KEY, or altered`
      logger.error('a signing key cannot be opened', { component: 'identity', detail })
      return null
    }
    if (found.master > 0) await resealSigningKey(database, row, master.current, found.secret)
    return toSigningKey(new Secret(found.secret.toString('utf8')))
  }

  function waitForTurn(): Promise<void> {
    const waitMs = lastReadMs + readingPauseMs - clock.monotonicMs()
    if (waitMs <= 0) return Promise.resolve()
    return new Promise((resolve) => void clock.after(waitMs, resolve))
  }

  return {
    keys: () => keys,
    isExpired: () => isExpired,
    /** The keys may have changed. */
    expire(): void {
      isExpired = true
    },
    reload: read,
    /** As `reload`, but not at once after another reading; who calls while this one waits shares it. */
    reloadSparingly(): Promise<void> {
      queued ??= waitForTurn().then(() => {
        queued = null
        return read()
      })
      return queued
    },
  }
}
