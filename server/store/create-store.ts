// Opens every engine in order and closes them in reverse; a start that fails half-way leaves nothing open.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectionTarget } from './connection.ts'
import { createDatabase } from './database.ts'
import { openEmbeddedPostgres } from './embedded-postgres.ts'
import { createJobs } from './jobs.ts'
import { openJournal } from './journal.ts'
import { createMemoryCounters } from './memory-counters.ts'
import { createMemoryTallies } from './memory-tallies.ts'
import { createNotices } from './notices.ts'
import { prepareDatabase } from './prepare-database.ts'
import { acquireProcessLock, LockHeldError } from './process-lock.ts'
import { connectRedis, type Redis } from './redis.ts'
import { createRedisCounters } from './redis-counters.ts'
import { createRedisTallies } from './redis-tallies.ts'
import { createSharedCache } from './shared-cache.ts'
import type { Store, StoreDependencies, StoreHealth } from './store.ts'
import { DataFolderInUseError } from './store-start-error.ts'
import { createWarmUp } from './warm-up.ts'

export const dataFolderLockName = 'gateway.lock'

/** What was opened so far, newest last. */
type Closers = (() => unknown)[]

/**
 * Throws ConfigError (other secrets than the database was made with), DataFolderInUseError, or StoreStartError with the
 * reason and the remedy.
 */
export async function createStore(dependencies: StoreDependencies): Promise<Store> {
  const closers: Closers = []
  try {
    return await openAll(dependencies, closers)
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

async function openAll(dependencies: StoreDependencies, closers: Closers): Promise<Store> {
  const { config, clock, logger } = dependencies
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const target = await openServer(dependencies, closers)
  await prepareDatabase(target, dependencies)
  const database = createDatabase({ target, clock, logger })
  closers.push(database.close)
  const notices = createNotices({ target, clock, logger, onSilence: database.suspect })
  closers.push(notices.close)
  await notices.start()
  const redis = await openRedis(dependencies)
  if (redis) closers.push(redis.close)
  const local = createMemoryCounters(clock)
  const root = join(config.dataDir, 'journal')
  const journal = openJournal({ root, bytesMax: config.journal.bytes_max, clock, logger })
  closers.push(journal.close)
  const jobs = createJobs({ database, clock, logger })
  closers.push(jobs.close)
  const warmUp = createWarmUp({ database, clock, logger })
  closers.push(warmUp.close)
  return {
    database,
    notices,
    counters: redis ? createRedisCounters(redis, local) : local,
    tallies: redis ? createRedisTallies(redis) : createMemoryTallies(clock),
    sharedCache: redis ? createSharedCache(redis) : null,
    journal,
    jobs,
    health: () => ({
      database: { state: database.isReachable() ? 'up' : 'down' },
      redis: { state: redis ? (redis.isUsable() ? 'up' : 'down') : 'off' },
      journal: describeJournal(journal.state()),
    }),
    async startWork() {
      await journal.start()
      jobs.start()
      // An external server is its operator's to tune.
      if (config.embedded) void warmUp.start()
    },
    close: () => closeAll(closers),
  }
}

/** The external server, or the embedded one under the lock of the data folder. */
async function openServer(dependencies: StoreDependencies, closers: Closers): Promise<ConnectionTarget> {
  const { config, clock, logger } = dependencies
  const { dataDir, pgDsn, embedded } = config
  if (pgDsn || !embedded) return { connectionString: pgDsn?.reveal() ?? '' }
  const lock = lockDataFolder(dependencies)
  closers.push(lock.release)
  const server = await openEmbeddedPostgres({ dataDir, embedded, clock, logger })
  closers.push(server.stop)
  server.watch()
  return server.target
}

function lockDataFolder({ config, clock }: StoreDependencies) {
  try {
    return acquireProcessLock(join(config.dataDir, dataFolderLockName), clock)
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error
    throw new DataFolderInUseError(config.dataDir, `process ${error.owner.pid} on ${error.owner.host}`)
  }
}

async function openRedis({ config, clock, logger }: StoreDependencies): Promise<Redis | null> {
  const { redisAddr, redisPassword, redisPrefix } = config
  if (!redisAddr) return null
  return connectRedis({ address: redisAddr, password: redisPassword, prefix: redisPrefix, clock, logger })
}

function describeJournal(state: { usable: boolean; waitingRecords: number }): StoreHealth['journal'] {
  if (state.waitingRecords === 0) return { state: state.usable ? 'up' : 'down' }
  return {
    state: state.usable ? 'up' : 'down',
    detail: `${state.waitingRecords} records wait for the database`,
  }
}

/** Newest first; one that fails does not keep the others open. Throws the first failure at the end. */
async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = []
  for (let close = closers.pop(); close; close = closers.pop()) {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
