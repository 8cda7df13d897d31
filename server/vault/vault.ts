// Door of the vault: provider keys go in sealed and come out only for a call; from outside they can be replaced, never read.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { Secret } from '../lib/secret.ts'
import { type Database, type Notices, type Queryable, rememberMasterKey } from '../store/store.ts'
import { createSealer } from './envelope.ts'
import { createOpenedKeys, type Owner } from './opened-keys.ts'
import {
  countByMasterKey,
  deleteClientKeys,
  deleteProviderKey,
  findProviderKey,
  listOutdated,
  listProviderKeys,
  lockProviderKey,
  putProviderKey,
  replaceDataKey,
} from './provider-key-store.ts'

/** What may be shown of a key. */
export type ProviderKeyInfo = { provider: string; last4: string; updatedAt: Date }

/** Writes a change into the audit chain, inside the transaction that makes it. */
export type RecordVaultChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

export type RotationProgress = { done: number; total: number }

export type Vault = {
  /** The key of this client (null: the shared one) for a call; without a promise when it is known freshly. Throws EngineAwayError. */
  openKey(clientId: number | null, provider: string): Secret | null | Promise<Secret | null>
  /** Seals a new key in place of the former one. */
  setKey(owner: Owner, key: string, record: RecordVaultChange): Promise<ProviderKeyInfo>
  /** False: there was none. */
  removeKey(owner: Owner, record: RecordVaultChange): Promise<boolean>
  list(clientId: number | null): Promise<ProviderKeyInfo[]>
  /** Part of deleting a client: all its keys, in the caller's transaction. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
  /**
   * Seals every data key under the current master key, one row at a time: it can be interrupted anywhere and run again.
   * `resealOthers` does the same for what other rooms sealed. At the end the former master key is not needed any more.
   * Throws when a record opens with none of the known master keys; nothing is lost then.
   */
  rotate(resealOthers: () => Promise<void>, onProgress: (progress: RotationProgress) => void): Promise<number>
  /** How many keys are sealed, and how many of them under a former master key. */
  status(): Promise<{ keys: number; outdated: number }>
  close(): void
}

export type VaultDependencies = {
  config: Pick<Config, 'masterKey' | 'masterKeyPrevious'>
  database: Database
  notices: Notices
}

const rowsPerTurn = 200

export function createVault({ config, database, notices }: VaultDependencies): Vault {
  const sealer = createSealer(config.masterKey, config.masterKeyPrevious)
  const openedKeys = createOpenedKeys(notices, async ({ clientId, provider }) => {
    const stored = await findProviderKey(database, clientId, provider)
    if (!stored) return null
    const key = sealer.open(stored, stored)
    if (key === null) throw unopenable(stored)
    return new Secret(key)
  })

  /** Runs `work` with the key locked, tells every process, and forgets what this one had opened. */
  async function change<T>(
    owner: Owner,
    work: (tx: Queryable, before: ProviderKeyInfo | null, version: number) => Promise<T>,
  ): Promise<T> {
    const done = await database.transaction(async (tx) => {
      const before = await lockProviderKey(tx, owner.clientId, owner.provider)
      const result = await work(tx, before && toInfo(before), (before?.version ?? 0) + 1)
      await openedKeys.publish(tx, [owner])
      return result
    })
    openedKeys.forget(owner)
    return done
  }

  async function resealAll(onProgress: (progress: RotationProgress) => void): Promise<number> {
    const { outdated: total } = await status()
    let done = 0
    let afterId = 0
    for (;;) {
      const rows = await listOutdated(database, sealer.masterKeyId, afterId, rowsPerTurn)
      if (rows.length === 0) return done
      for (const stored of rows) {
        const fresh = sealer.reseal(stored, stored)
        if (!fresh) throw unopenable(stored)
        if (await replaceDataKey(database, stored, fresh)) done++
        onProgress({ done, total: Math.max(total, done) })
        afterId = stored.id
      }
    }
  }

  async function status() {
    const counts = await countByMasterKey(database)
    const keys = [...counts.values()].reduce((sum, count) => sum + count, 0)
    return { keys, outdated: keys - (counts.get(sealer.masterKeyId) ?? 0) }
  }

  return {
    openKey: (clientId, provider) => openedKeys.get({ clientId, provider }),

    setKey: (owner, key, record) =>
      change(owner, async (tx, before, version) => {
        const last4 = lastCharacters(key)
        const updatedAt = await putProviderKey(tx, {
          ...owner,
          version,
          last4,
          ...sealer.seal(key, { ...owner, version }),
        })
        await record(tx, {
          action: 'provider_key.set',
          target: targetOf(owner),
          before: shown(before),
          after: { last4 },
        })
        return { provider: owner.provider, last4, updatedAt }
      }),

    removeKey: (owner, record) =>
      change(owner, async (tx, before) => {
        if (!before) return false
        await deleteProviderKey(tx, owner.clientId, owner.provider)
        await record(tx, {
          action: 'provider_key.remove',
          target: targetOf(owner),
          before: shown(before),
          after: null,
        })
        return true
      }),

    list: async (clientId) => (await listProviderKeys(database, clientId)).map(toInfo),

    async removeClient(tx, clientId) {
      const providers = await deleteClientKeys(tx, clientId)
      await openedKeys.publish(
        tx,
        providers.map((provider) => ({ clientId, provider })),
      )
    },

    async rotate(resealOthers, onProgress) {
      const done = await resealAll(onProgress)
      await resealOthers()
      await database.transaction((tx) => rememberMasterKey(tx, config.masterKey))
      return done
    },

    status,
    close: openedKeys.close,
  }
}

/** The last 4 characters, fewer of a short key: never more than a quarter of it. */
export function lastCharacters(key: string): string {
  const count = Math.min(4, Math.floor(key.length / 4))
  return key.slice(key.length - count)
}

function toInfo({ provider, last4, updatedAt }: ProviderKeyInfo): ProviderKeyInfo {
  return { provider, last4, updatedAt }
}

function shown(info: ProviderKeyInfo | null): { last4: string } | null {
  return info && { last4: info.last4 }
}

function targetOf({ clientId, provider }: Owner): string {
  return `${clientId === null ? 'shared' : `client ${clientId}`} key of ${provider}`
}

function unopenable(owner: Owner): AppError {
  return new AppError('internal_error', {
    detail: `the ${targetOf(owner)} does not open: it was altered, moved, or sealed with a master key that is not in MASTER_KEY or MASTER_KEY_PREVIOUS`,
  })
}
