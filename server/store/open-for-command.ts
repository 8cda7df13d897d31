// A database for commands on the machine itself: the running one, else one started for the command.
import { join } from 'node:path'
import type { ConnectionTarget } from './connection.ts'
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

export type CommandServer = {
  target: ConnectionTarget
  /** What an operator does to have an empty database there. */
  howToEmpty: string
  /** Stops a server that the command started, unless a gateway has begun to use it. */
  leave(): Promise<void>
}

/** Migrates like a start. Throws ConfigError or StoreStartError. */
export async function openDatabaseForCommand(dependencies: StoreDependencies): Promise<CommandDatabase> {
  const { clock, logger } = dependencies
  const { target, leave } = await openServerForCommand(dependencies)
  try {
    await prepareDatabase(target, dependencies)
  } catch (error) {
    await leave()
    throw error
  }
  const database = createDatabase({ target, clock, logger })
  return {
    database,
    publish: publishNotice,
    async close() {
      await database.close()
      await leave()
    },
  }
}

/** The server as it is: nothing is migrated or checked. */
export async function openServerForCommand(dependencies: StoreDependencies): Promise<CommandServer> {
  const { config, clock, logger } = dependencies
  const { dataDir, pgDsn, embedded } = config
  if (pgDsn || !embedded) {
    return {
      target: { connectionString: pgDsn?.reveal() ?? '' },
      howToEmpty: 'Make a new database and name it in PG_DSN',
      leave: async () => undefined,
    }
  }
  const server = await openEmbeddedPostgres({ dataDir, embedded, clock, logger })
  return {
    target: server.target,
    howToEmpty: `Stop the gateway and move ${server.databaseDir} away`,
    async leave() {
      if (!server.startedHere || findLockOwner(join(dataDir, dataFolderLockName))) return
      await server.stop()
    },
  }
}
