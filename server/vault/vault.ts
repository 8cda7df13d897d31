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
  listClientProviders,
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
  /** Seals a new key in place of the former one. Throws AppError `not_found` when the client has been deleted meanwhile. */
  setKey(owner: Owner, key: string, record: RecordVaultChange): Promise<ProviderKeyInfo>
  /** The same for several providers of one client, in one transaction: all of them or none. */
  setKeys(
    clientId: number,
    keys: Readonly<Record<string, string>>,
    record: RecordVaultChange,
  ): Promise<ProviderKeyInfo[]>
  /** False: there was none. */
  removeKey(owner: Owner, record: RecordVaultChange): Promise<boolean>
  list(clientId: number | null): Promise<ProviderKeyInfo[]>
  /** The providers that each of these clients has a key of; clients without a key are not in it. */
  listProviders(clientIds: readonly number[]): Promise<Map<number, string[]>>
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
  /** Keeps a client from being deleted until `tx` ends; false when there is none. */
  holdClient(tx: Queryable, clientId: number): Promise<boolean>
}

type NewKey = { key: string; before: ProviderKeyInfo | null; version: number; record: RecordVaultChange }

const rowsPerTurn = 200

export function createVault({ config, database, notices, holdClient }: VaultDependencies): Vault {
  const sealer = createSealer(config.masterKey, config.masterKeyPrevious)
  const openedKeys = createOpenedKeys(notices, async ({ clientId, provider }) => {
    const stored = await findProviderKey(database, clientId, provider)
    if (!stored) return null
    const key = sealer.open(stored, stored)
    if (key === null) throw unopenable(stored)
    return new Secret(key)
  })

  /** A deletion either waits for this change and takes its keys along, or came first. */
  async function holdOwner(tx: Queryable, clientId: number | null): Promise<void> {
    if (clientId !== null && !(await holdClient(tx, clientId))) {
      throw new AppError('not_found', { message: 'This client has been deleted.' })
    }
  }

  /** Runs `work` with the key locked, tells every process, and forgets what this one had opened. */
  async function change<T>(
    owner: Owner,
    work: (tx: Queryable, before: ProviderKeyInfo | null, version: number) => Promise<T>,
  ): Promise<T> {
    const done = await database.transaction(async (tx) => {
      await holdOwner(tx, owner.clientId)
      const before = await lockProviderKey(tx, owner.clientId, owner.provider)
      const result = await work(tx, before && toInfo(before), (before?.version ?? 0) + 1)
      await openedKeys.publish(tx, [owner])
      return result
    })
    openedKeys.forget(owner)
    return done
  }

  /** Part of a change: the key must be locked. */
  async function put(
    tx: Queryable,
    owner: Owner,
    { key, before, version, record }: NewKey,
  ): Promise<ProviderKeyInfo> {
    const last4 = lastCharacters(key)
    const sealed = sealer.seal(key, { ...owner, version })
    const updatedAt = await putProviderKey(tx, { ...owner, version, last4, ...sealed })
    const target = targetOf(owner)
    await record(tx, { action: 'provider_key.set', target, before: shown(before), after: { last4 } })
    return { provider: owner.provider, last4, updatedAt }
  }

  /** In the order of the names, so that two such changes never wait for each other. */
  async function setKeys(
    clientId: number,
    keys: Readonly<Record<string, string>>,
    record: RecordVaultChange,
  ): Promise<ProviderKeyInfo[]> {
    const entries = Object.entries(keys).sort(([one], [other]) => (one < other ? -1 : 1))
    const owners = entries.map(([provider]) => ({ clientId, provider }))
    const infos = await database.transaction(async (tx) => {
      await holdOwner(tx, clientId)
      const done: ProviderKeyInfo[] = []
      for (const [provider, key] of entries) {
        const before = await lockProviderKey(tx, clientId, provider)
        const version = (before?.version ?? 0) + 1
        done.push(
          await put(tx, { clientId, provider }, { key, before: before && toInfo(before), version, record }),
        )
      }
      await openedKeys.publish(tx, owners)
      return done
    })
    for (const owner of owners) openedKeys.forget(owner)
    return infos
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
      change(owner, (tx, before, version) => put(tx, owner, { key, before, version, record })),

    setKeys,

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

    listProviders: (clientIds) => listClientProviders(database, clientIds),

    async removeClient(tx, clientId) {
      const providers = await deleteClientKeys(tx, clientId)
      await openedKeys.publish(
        tx,
        providers.map((provider) => ({ clientId, provider })),
      )
    },

    async rotate(resealOthers, onProgress) {
      let done = await resealAll(onProgress)
      // A process that still runs with the former master key may have sealed another key meanwhile.
      while ((await status()).outdated > 0) done += await resealAll(onProgress)
      await resealOthers()
      await database.transaction((tx) => rememberMasterKey(tx, config.masterKey))
      return done
    },

    status,
    close: openedKeys.close,
  }
}

/** How many keys were sealed with a master key that is not among these. */
export async function countForeignKeys(
  queryable: Queryable,
  config: Pick<Config, 'masterKey' | 'masterKeyPrevious'>,
): Promise<number> {
  const sealer = createSealer(config.masterKey, config.masterKeyPrevious)
  const counts = [...(await countByMasterKey(queryable))]
  return counts.reduce((sum, [id, keys]) => (sealer.knows(id) ? sum : sum + keys), 0)
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
