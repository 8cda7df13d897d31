// A database for commands on the machine itself: the running one, else one started for the command.
import { join } from 'node:path'
import { dataFolderLockName } from './create-store.ts'
import { createDatabase } from './database.ts'
import { openEmbeddedPostgres } from './embedded-postgres.ts'
import { publishNotice } from './notices.ts'
import { prepareDatabase } from './prepare-database.ts'
import { findLockOwner } from './process-lock.ts'
import type { Database, Notices, StoreDependencies } from './store.ts'

export type CommandDatabase = {
  database: Database
  /** So that a change made by the command holds in running gateways at once. */
  publish: Notices['publish']
  /** Stops a server that the command started, unless a gateway has begun to use it. */
  close(): Promise<void>
}

/** Migrates like a start. Throws ConfigError or StoreStartError. */
export async function openDatabaseForCommand(dependencies: StoreDependencies): Promise<CommandDatabase> {
  const { config, clock, logger } = dependencies
  const { dataDir, pgDsn, embedded } = config
  const server = pgDsn || !embedded ? null : await openEmbeddedPostgres({ dataDir, embedded, clock, logger })
  const target = server?.target ?? { connectionString: pgDsn?.reveal() ?? '' }

  async function leaveServer(): Promise<void> {
    if (!server?.startedHere || findLockOwner(join(dataDir, dataFolderLockName))) return
    await server.stop()
  }

  try {
    await prepareDatabase(target, dependencies)
  } catch (error) {
    await leaveServer()
    throw error
  }
  const database = createDatabase({ target, clock, logger })
  return {
    database,
    publish: publishNotice,
    async close() {
      await database.close()
      await leaveServer()
    },
  }
}
