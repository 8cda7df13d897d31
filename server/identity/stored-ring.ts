// Signing keys in the database, shared by all replicas: each knows them in memory and reads them anew when they may have changed.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Notices } from '../store/store.ts'
import { createRingMemory, type MasterKeys, readMasterKeys } from './ring-memory.ts'
import type { SigningKey, SigningRing } from './signing-key.ts'
import {
  deleteRetiredBefore,
  insertSigningKey,
  lockSigningKeys,
  openSigningKey,
  readSigningKeys,
} from './signing-key-rows.ts'

const topic = 'signing_keys'
const keyId = /^[0-9a-f]{8}$/
/** Longest lifetime of a token, and room for clocks that differ and for a replica that heard late of a rotation. */
const keptAfterRetirementMs = (3600 + 600) * 1000
const pruningPeriodMs = 3600 * 1000

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
  const memory = createRingMemory({ database, master, clock, logger })
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
