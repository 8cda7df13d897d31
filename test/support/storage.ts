// The storage that a gateway can stand on: embedded or external PostgreSQL, with or without Redis; each test gets its own.
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { createClient } from 'redis'
import { createMigratedDatabase } from '../../server/store/test-support.ts'
import { type Need, needs, postgresDsn, redisAddr } from './needs.ts'
import type { Scope } from './scope.ts'

export type Environment = Record<string, string>

export type Storage = {
  name: string
  /** Options for `test`: whether the machine has it. */
  options: { skip: string | false }
  /** Makes it, and returns the environment of a gateway on it; everything is removed with the scope. */
  open(scope: Scope): Promise<Environment>
}

/** Secrets that must be given with an external database; fixed, so that replicas agree and searches can look for them. */
export const testSecrets = {
  SENTINEL_HMAC_SECRET: 'test-pepper-0123456789abcdefghijklmnop',
  ADMIN_PASSWORD: 'test admin password 4711',
  ADMIN_JWT_SECRET: 'test-jwt-secret-0123456789abcdefghijkl',
  MASTER_KEY: 'dGVzdC1tYXN0ZXIta2V5LTAxMjM0NTY3ODlhYmNkZWY=',
} as const

/** It needs nothing of the machine. */
export const embeddedStorage = await storage('embedded PostgreSQL', [], async () => ({}))

/** Every combination. */
export const storageMatrix: readonly Storage[] = [
  embeddedStorage,
  await storage('embedded PostgreSQL with Redis', ['redis'], openRedis),
  await storage('external PostgreSQL', ['postgres'], openDatabase),
  await storage('external PostgreSQL with Redis', ['postgres', 'redis'], async (scope) => ({
    ...(await openDatabase(scope)),
    ...(await openRedis(scope)),
  })),
]

/** Storage that several processes can share: an external database when there is one. */
export const sharedStorage: readonly Storage[] = storageMatrix.slice(2)

/** Both databases and both homes of counters, each once: for what may depend on one of them, but not on the pair. */
export const eachStorage: readonly Storage[] = [embeddedStorage, ...storageMatrix.slice(3)]

/** For what does not depend on it: the one that is ready soonest, because nothing has to be set up or migrated. */
export const anyStorage = (await needs('postgres').catch(() => ({ skip: true }))).skip
  ? embeddedStorage
  : await storage('a migrated database', ['postgres'], openMigratedDatabase)

async function storage(
  name: string,
  wanted: readonly Need[],
  open: (scope: Scope) => Promise<Environment>,
): Promise<Storage> {
  return {
    name,
    options: await needs(...wanted),
    open: async (scope) => ({ ...testSecrets, ...(await open(scope)) }),
  }
}

/** A database of its own on the suite's server. */
async function openDatabase(scope: Scope): Promise<Environment> {
  const name = `sp_test_${randomBytes(6).toString('hex')}`
  await command(`create database ${name} strategy file_copy`)
  // Nobody cuts the power of the suite's server: a commit that does not wait for its disk takes a tenth of the time.
  await command(`alter database ${name} set synchronous_commit = off`)
  scope.defer(() => command(`drop database if exists ${name} with (force)`))
  const url = new URL(postgresDsn)
  url.pathname = `/${name}`
  return { PG_DSN: url.href }
}

async function openMigratedDatabase(scope: Scope): Promise<Environment> {
  const { dsn, drop } = await createMigratedDatabase(`sp_test_${randomBytes(6).toString('hex')}`)
  scope.defer(drop)
  return { PG_DSN: dsn }
}

/** Keys of its own in the suite's Redis. */
async function openRedis(scope: Scope): Promise<Environment> {
  const prefix = `sp-test-${randomBytes(6).toString('hex')}:`
  scope.defer(() => removeKeys(prefix))
  return { REDIS_ADDR: redisAddr, REDIS_PREFIX: prefix }
}

async function command(sql: string): Promise<void> {
  const client = new Client({ connectionString: postgresDsn })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function removeKeys(prefix: string): Promise<void> {
  const client = createClient({ url: redisAddr })
  await client.connect()
  try {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      if (keys.length > 0) await client.del(keys)
    }
  } finally {
    client.destroy()
  }
}
