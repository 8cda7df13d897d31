// Stores for tests: a fresh database on the embedded server or on the machine's PostgreSQL, with everything cleaned up after.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createLogger, type Logger } from '../lib/logger.ts'
import { Secret } from '../lib/secret.ts'
import { openConnection } from './connection.ts'
import { createStore } from './create-store.ts'
import { migrate } from './migrations.ts'
import type { Store, StoreDependencies } from './store.ts'

export type StoreKind = 'embedded' | 'dsn'
export type TestStoreOptions = {
  kind: StoreKind
  redis: boolean
  clock?: Clock
  logger?: Logger
  /** An external database without the schema. */
  isEmpty?: boolean
}

/** Every combination that the storage suite has to hold on. */
export const storeVariants: readonly { kind: StoreKind; redis: boolean }[] = [
  { kind: 'embedded', redis: false },
  { kind: 'embedded', redis: true },
  { kind: 'dsn', redis: false },
  { kind: 'dsn', redis: true },
]

/** Both databases and both homes of counters, each once: for rooms, which may depend on one of them, but not on the pair. */
export const roomVariants: readonly { kind: StoreKind; redis: boolean }[] = [
  { kind: 'embedded', redis: false },
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

/** Any constant will do: whoever makes the template holds this advisory lock. */
const templateLock = 7_190_544_390
const undefinedDatabase = '3D000'
const templatePrefix = 'sp_template_'
const template = nameTemplate()

export type TestDatabase = { dsn: string; drop(): Promise<void> }

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
  const { kind, redis, clock = systemClock, logger = silentLogger, isEmpty = false } = options
  const id = randomBytes(8).toString('hex')
  const dataDir = mkdtempSync(join(tmpdir(), 'sp-test-'))
  const create = isEmpty ? createTestDatabase : createMigratedDatabase
  const external = kind === 'dsn' ? await create(`sp_test_${id}`) : null
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
export async function createTestDatabase(name: string): Promise<TestDatabase> {
  await onAdminConnection((client) => make(client, name, 'template1'))
  return describeDatabase(name)
}

/** One with this version's schema, copied from the template of the suite: a third of the time that the migrations take. */
export async function createMigratedDatabase(name: string): Promise<TestDatabase> {
  await onAdminConnection(async (client) => {
    const copy = () => make(client, name, template)
    await copy().catch(async (error: unknown) => {
      if (!(error instanceof pg.DatabaseError) || error.code !== undefinedDatabase) throw error
      await makeTemplate(client)
      await copy()
    })
  })
  return describeDatabase(name)
}

/**
 * Files are copied: that takes a third of the time, and a fifth of the CPU time, of writing each page to the log as well.
 * Nobody cuts the power of the suite's server: a commit that does not wait for its disk takes a tenth of the time.
 */
async function make(client: pg.Client, name: string, from: string): Promise<void> {
  await client.query(`create database ${name} template ${from} strategy file_copy`)
  await client.query(`alter database ${name} set synchronous_commit = off`)
}

/** Whole before it has its name; other test processes wait meanwhile. */
async function makeTemplate(client: pg.Client): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [templateLock])
  const draft = `${template}_draft`
  const { rowCount } = await client.query('select from pg_database where datname = $1', [template])
  if (rowCount === 0) {
    await client.query(`drop database if exists ${draft} with (force)`)
    await client.query(`create database ${draft} strategy file_copy`)
    const connection = await openConnection({ connectionString: dsnOf(draft) }, systemClock, 10_000)
    await migrate(connection, silentLogger).finally(() => connection.destroy())
    await client.query(`alter database ${draft} rename to ${template}`)
  }
  await client.query('select pg_advisory_unlock($1)', [templateLock])
}

/** Another one for each set of migrations. */
function nameTemplate(): string {
  const folder = join(import.meta.dirname, 'migrations')
  const digest = createHash('sha256')
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.sql')) digest.update(readFileSync(join(folder, name)))
  }
  return `${templatePrefix}${digest.digest('hex').slice(0, 16)}`
}

/** Those of other checkouts too: whoever needs one makes it again. */
export async function removeTemplates(): Promise<void> {
  await onAdminConnection(async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [templatePrefix],
    )
    // In use by another run of the suite: that one removes it.
    for (const { name } of rows) await client.query(`drop database if exists ${name}`).catch(() => undefined)
  })
}

function describeDatabase(name: string): TestDatabase {
  const drop = async () => {
    await onAdminConnection((client) => client.query(`drop database if exists ${name} with (force)`))
  }
  return { dsn: dsnOf(name), drop }
}

function dsnOf(name: string): string {
  const dsn = new URL(adminDsn)
  dsn.pathname = `/${name}`
  return dsn.href
}

async function onAdminConnection(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: adminDsn })
  await client.connect()
  await work(client).finally(() => client.end())
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
