// Brings the schema to this version of the code; safe with any number of processes starting at once.
import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import pg from 'pg'
import type { Logger } from '../lib/logger.ts'
import type { Connection } from './connection.ts'
import { StoreStartError } from './store-start-error.ts'

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))
/** Any constant will do: it names this lock among the advisory locks of the database. */
const lockKey = 7_190_544_301
/** A process that waits longer than this for another's migration gives up. */
const lockWaitMs = 120_000
const statementLimitMs = 24 * 3_600_000
const undefinedTable = '42P01'
const lockNotAvailable = '55P03'

/** Bookkeeping as drizzle keeps it, so that its own tools can read it. */
const bookkeeping = 'drizzle.__drizzle_migrations'

/** One SELECT when nothing is to do; else changes time limits of the session. Throws StoreStartError when the database is newer than this code. */
export async function migrate(connection: Connection, logger: Logger): Promise<void> {
  const known = listKnownMigrations()
  const applied = await readApplied(connection)
  if (applied !== null && listMissing(known, applied).length === 0) return
  await lockMigrations(connection)
  await connection.query(createBookkeeping, [], lockWaitMs)
  const missing = listMissing(known, (await readApplied(connection)) ?? new Set())
  for (const migration of missing) await apply(connection, migration)
  // After a failure the caller closes the connection, and the server drops the lock with it.
  await connection.query('select pg_advisory_unlock($1)', [lockKey], lockWaitMs)
  if (missing.length > 0) {
    logger.info('database schema brought up to date', { component: 'database', count: missing.length })
  }
}

/** In their order. */
export function listKnownMigrations(): MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder })
}

/** Makes the schema as it was after `migrations`, in the transaction of the caller, who has locked the migrations. */
export async function createSchema(
  connection: Connection,
  migrations: readonly MigrationMeta[],
): Promise<void> {
  await connection.query(createBookkeeping, [], lockWaitMs)
  for (const migration of migrations) await runStatements(connection, migration)
}

/** Whoever starts meanwhile waits. Held until the connection ends or unlocks it; ends the time limits of the session. */
export async function lockMigrations(connection: Connection): Promise<void> {
  await connection.query(`set lock_timeout = ${lockWaitMs}; set statement_timeout = 0`, [], lockWaitMs)
  await lock(connection)
}

const createBookkeeping = `
  create schema if not exists drizzle;
  create table if not exists ${bookkeeping} (id serial primary key, hash text not null, created_at bigint)`

/** Hashes of the migrations that were applied; null on a database without bookkeeping. */
export async function readApplied(connection: Connection): Promise<Set<string> | null> {
  try {
    const { rows } = await connection.query<{ hash: string }>(
      `select hash from ${bookkeeping}`,
      [],
      lockWaitMs,
    )
    return new Set(rows.map((row) => row.hash))
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === undefinedTable) return null
    throw error
  }
}

function listMissing(known: readonly MigrationMeta[], applied: ReadonlySet<string>): MigrationMeta[] {
  const hashes = new Set(known.map((migration) => migration.hash))
  for (const hash of applied) {
    if (!hashes.has(hash)) {
      throw new StoreStartError(
        'the database was written by a newer version of Sallyport: it holds migrations that this version does not know. Start the newer version, or import an export of it into an empty database',
      )
    }
  }
  return known.filter((migration) => !applied.has(migration.hash))
}

async function lock(connection: Connection): Promise<void> {
  try {
    await connection.query('select pg_advisory_lock($1)', [lockKey], lockWaitMs + 1_000)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== lockNotAvailable) throw error
    throw new StoreStartError(
      `another process has been migrating the database for ${lockWaitMs / 1000} s. Look at pg_stat_activity, end that process, and start again`,
      error,
    )
  }
}

/** All statements of one file or none. Long ones are left to finish: half an index helps nobody. */
async function apply(connection: Connection, migration: MigrationMeta): Promise<void> {
  await connection.query('begin', [], lockWaitMs)
  try {
    await runStatements(connection, migration)
    await connection.query('commit', [], statementLimitMs)
  } catch (error) {
    await connection.query('rollback', [], lockWaitMs)
    throw error
  }
}

async function runStatements(connection: Connection, migration: MigrationMeta): Promise<void> {
  for (const statement of migration.sql) await connection.query(statement, [], statementLimitMs)
  await connection.query(
    `insert into ${bookkeeping} (hash, created_at) values ($1, $2)`,
    [migration.hash, migration.folderMillis],
    lockWaitMs,
  )
}
