// The installation on this machine, for commands that work on it without a gateway.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createAuditLog } from '../admin/admin.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { systemClock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { createLogger } from '../lib/logger.ts'
import { type Notices, openDatabaseForCommand, type StoreDependencies } from '../store/store.ts'
import { CommandFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

export function loadCommandConfig(terminal: Terminal): Config {
  return loadConfig({ env: terminal.env, workingDir: terminal.workingDir, createSecrets: false })
}

/** False before the first start with the embedded database: a command must not make one with secrets that nobody kept. */
export function isInstalled(config: Pick<Config, 'embedded' | 'dataDir'>): boolean {
  return config.embedded === null || existsSync(join(config.dataDir, 'secrets.json'))
}

/** What opening the database needs; warnings go to standard error, so that the command's own output stays clean. */
export function commandDependencies(config: Config, terminal: Terminal): StoreDependencies {
  const destination = { write: (line: string) => void terminal.stderr.write(line) }
  return {
    config,
    clock: systemClock,
    logger: createLogger({ format: 'pretty', level: 'warn', destination }),
  }
}

export type Installation = Awaited<ReturnType<typeof openInstallation>>

/** Opens the database of the running gateway, else starts it for the command. */
async function openInstallation(config: Config, terminal: Terminal) {
  const dependencies = commandDependencies(config, terminal)
  const { database, publish, close } = await openDatabaseForCommand(dependencies)
  const audit = createAuditLog({
    database,
    key: deriveKey(config.pepper, 'audit'),
    clock: dependencies.clock,
  })
  return {
    ...dependencies,
    config,
    database,
    notices: createSendingNotices(publish),
    /** Writes a change into the audit chain. */
    record: audit.recorderFor('command line', null),
    close,
  }
}

/** Throws CommandFailure before the first start, when there is nothing to work on. */
export function requireInstallation(config: Config): void {
  if (isInstalled(config)) return
  throw new CommandFailure(
    `there is no installation in ${config.dataDir}: start the gateway once, or run this in its working folder with its DATA_DIR`,
  )
}

/** Throws as `requireInstallation` does. */
export async function withInstallation<Result>(
  config: Config,
  terminal: Terminal,
  work: (installation: Installation) => Promise<Result>,
): Promise<Result> {
  requireInstallation(config)
  const installation = await openInstallation(config, terminal)
  try {
    return await work(installation)
  } finally {
    await installation.close()
  }
}

/** A command tells running gateways of its changes and hears of none: what it reads is never taken as fresh. */
function createSendingNotices(publish: Notices['publish']): Notices {
  const nothingToStop = () => undefined
  return { publish, subscribe: () => nothingToStop, onGap: () => nothingToStop, isFresh: () => false }
}
