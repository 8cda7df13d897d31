// Signing keys in the database, shared by all replicas: each knows them in memory and reads them anew when they may have changed.
import type { KeyObject } from 'node:crypto'
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import type { Logger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import type { Database, Notices } from '../store/store.ts'
import { type SigningKey, type SigningRing, toSigningKey } from './signing-key.ts'
import {
  deleteRetiredBefore,
  insertSigningKey,
  lockSigningKeys,
  openSigningKey,
  readSigningKeys,
  resealSigningKey,
  type SigningKeyRow,
  type StoredKey,
} from './signing-key-rows.ts'

const topic = 'signing_keys'
const keyId = /^[0-9a-f]{8}$/
/** Longest lifetime of a token, and room for clocks that differ and for a replica that heard late of a rotation. */
const keptAfterRetirementMs = (3600 + 600) * 1000
const pruningPeriodMs = 3600 * 1000
/** Tokens that name unknown keys make the ring be read this often at most; they wait for it, so that a good one is never refused. */
const readingPauseMs = 100

export type StoredRingDependencies = {
  config: Pick<Config, 'masterKey' | 'masterKeyPrevious'>
  database: Database
  notices: Notices
  /** Keys of the environment that sign no more. */
  alsoVerifying: readonly SigningKey[]
  clock: Clock
  logger: Logger
}

export async function createStoredRing(dependencies: StoredRingDependencies): Promise<SigningRing> {
  const { database, notices, alsoVerifying, clock, logger } = dependencies
  const master = readMasterKeys(dependencies.config)
  const memory = createMemory({ database, master, clock, logger })
  await prune()
  await makeFirst({ database, master, clock })
  await memory.reload()

  const unsubscribe = notices.subscribe(topic, memory.expire)
  const unwatch = notices.onGap(memory.expire)
  const pruning = clock.every(pruningPeriodMs, () => void prune().catch(tell))

  function prune(): Promise<void> {
    return deleteRetiredBefore(database, new Date(clock.now() - keptAfterRetirementMs))
  }

  function tell(error: unknown): void {
    logger.warn('old signing keys could not be removed', { component: 'identity', error })
  }

  return {
    async signer() {
      if (memory.isExpired() || !notices.isFresh()) await memory.reload()
      // Where a newer key cannot be opened (another master key, while replicas are being restarted) the last one still signs.
      const [newest] = memory.keys().values()
      if (!newest) throw new AppError('internal_error', { detail: 'no signing key can be opened' })
      return newest
    },

    async find(kid) {
      if (!keyId.test(kid)) return null
      const find = () => memory.keys().get(kid) ?? alsoVerifying.find((key) => key.kid === kid)
      const found = find()
      if (found) return found
      // Signed by a replica whose rotation has not been heard of yet, or made up.
      await memory.reloadSparingly()
      return find() ?? null
    },

    async rotate(record) {
      const kid = await database.transaction(async (tx) => {
        await lockSigningKeys(tx)
        const [before] = await readSigningKeys(tx)
        const made = await insertSigningKey(tx, master.current, new Date(clock.now()))
        await record(tx, {
          action: 'signing_key.rotate',
          target: `signing key ${made}`,
          before: before ? { kid: before.kid } : null,
          after: { kid: made },
        })
        await notices.publish(tx, topic, null)
        return made
      })
      memory.expire()
      await memory.reload()
      return { kid }
    },

    async status() {
      await memory.reload()
      const keys = [...memory.keys().values()].map(({ kid, createdAt, retiredAt }) => ({
        ...{ kid, createdAt, retiredAt },
        signs: retiredAt === null,
      }))
      const verifying = alsoVerifying.map(({ kid }) => ({
        ...{ kid, signs: false, createdAt: null, retiredAt: null },
      }))
      return { source: 'generated', keys: [...keys, ...verifying] }
    },

    close() {
      unsubscribe()
      unwatch()
      pruning.cancel()
    },
  }
}

type MasterKeys = { current: KeyObject; all: readonly KeyObject[] }

function readMasterKeys(config: StoredRingDependencies['config']): MasterKeys {
  const derive = (key: Secret) => deriveKey(key, 'signing keys')
  const current = derive(config.masterKey)
  return { current, all: [current, ...config.masterKeyPrevious.map(derive)] }
}

/** Makes a signing key when there is none that can be opened. */
async function makeFirst(dependencies: {
  database: Database
  master: MasterKeys
  clock: Clock
}): Promise<void> {
  const { database, master, clock } = dependencies
  await database.transaction(async (tx) => {
    await lockSigningKeys(tx)
    const rows = await readSigningKeys(tx)
    if (rows.some((row) => row.retired_at === null && openSigningKey(row, master.all))) return
    await insertSigningKey(tx, master.current, new Date(clock.now()))
  })
}

/** The keys that this process has opened, the signing one first. */
function createMemory(dependencies: {
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
