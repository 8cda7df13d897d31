// Stores for tests: a fresh database on the embedded server or on the machine's PostgreSQL, with everything cleaned up after.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createLogger, type Logger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import { createStore } from './create-store.ts'
import type { Store, StoreDependencies } from './store.ts'

export type StoreKind = 'embedded' | 'dsn'
export type TestStoreOptions = { kind: StoreKind; redis: boolean; clock?: Clock; logger?: Logger }

/** Every combination that the storage suite has to hold on. */
export const storeVariants: readonly { kind: StoreKind; redis: boolean }[] = [
  { kind: 'embedded', redis: false },
  { kind: 'embedded', redis: true },
  { kind: 'dsn', redis: false },
  { kind: 'dsn', redis: true },
]

/** A PostgreSQL 15 or newer on which databases may be made, and a Redis; both may be others by environment. */
const adminDsn = process.env.TEST_PG_DSN ?? 'postgresql://root@127.0.0.1:5432/postgres'
const redisAddress = process.env.TEST_REDIS_ADDR ?? 'redis://127.0.0.1:6379'

export const silentLogger: Logger = createLogger({
  format: 'json',
  level: 'error',
  destination: { write: () => undefined },
})

export type TestStore = Store & { dependencies: StoreDependencies }

/** A store on a database of its own; `close` removes the database, its files and its Redis keys. */
export async function createTestStore(options: TestStoreOptions): Promise<TestStore> {
  const place = await createTestPlace(options)
  try {
    const store = await createStore(place.dependencies)
    const close = async () => {
      await store.close()
      await place.remove()
    }
    return { ...store, close, dependencies: place.dependencies }
  } catch (error) {
    await place.remove()
    throw error
  }
}

export type TestPlace = { dependencies: StoreDependencies; remove(): Promise<void> }

/** Where a store can be opened, more than once if need be. */
export async function createTestPlace(options: TestStoreOptions): Promise<TestPlace> {
  const { kind, redis, clock = systemClock, logger = silentLogger } = options
  const id = randomBytes(8).toString('hex')
  const dataDir = mkdtempSync(join(tmpdir(), 'sp-test-'))
  const external = kind === 'dsn' ? await createTestDatabase(`sp_test_${id}`) : null
  const redisPrefix = `sp_test_${id}:`
  return {
    dependencies: {
      clock,
      logger,
      config: {
        dataDir,
        embedded: external
          ? null
          : { instanceId: id, databasePassword: new Secret(randomBytes(24).toString('base64url')) },
        pgDsn: external ? new Secret(external.dsn) : null,
        redisAddr: redis ? new Secret(redisAddress) : null,
        redisPassword: null,
        redisPrefix,
        pepper: new Secret(randomBytes(32).toString('base64url')),
        masterKey: new Secret(randomBytes(32).toString('base64')),
        masterKeyPrevious: [],
        journal: { bytes_max: 64 * 1024 * 1024 },
      },
    },
    async remove() {
      await external?.drop()
      if (redis) await removeRedisKeys(redisPrefix)
      rmSync(dataDir, { recursive: true, force: true })
      rmSync(join('/var/lib/sallyport', id), { recursive: true, force: true })
    },
  }
}

/** An empty database on the machine's server. */
export async function createTestDatabase(name: string): Promise<{ dsn: string; drop(): Promise<void> }> {
  await onAdminConnection(`create database ${name}`)
  const dsn = new URL(adminDsn)
  dsn.pathname = `/${name}`
  return {
    dsn: dsn.href,
    drop: () => onAdminConnection(`drop database if exists ${name} with (force)`),
  }
}

async function onAdminConnection(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminDsn })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

async function removeRedisKeys(prefix: string): Promise<void> {
  const { createClient } = await import('@redis/client')
  const client = createClient({ url: redisAddress })
  await client.connect()
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*` })) {
    if (keys.length > 0) await client.del(keys)
  }
  client.destroy()
}
