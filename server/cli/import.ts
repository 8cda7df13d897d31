// `sallyport import`: an archive of `sallyport export` into an empty database, all of it or nothing.
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config/config.ts'
import { countForeignSigningKeys } from '../identity/identity.ts'
import {
  type Archive,
  findForeignArchiveSecrets,
  importArchive,
  openArchive,
  type Queryable,
} from '../store/store.ts'
import { countForeignKeys } from '../vault/vault.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { commandDependencies, isInstalled, loadCommandConfig } from './installation.ts'
import { createProgressBar } from './progress-bar.ts'
import { printLine, type Terminal, warn } from './terminal.ts'

export function defineImport(command: Command, terminal: Terminal): void {
  command
    .argument('<file>', "file of 'sallyport export'; - for standard input")
    .addHelpText(
      'after',
      `
The database (the one of PG_DSN, else the embedded one) must be empty: import before the first start. All of the file
is taken or nothing. The secrets of the former place must be here first: its secrets.json in DATA_DIR, or the lines of
'sallyport export --secrets' in .env. A file of an older version is brought up to date, one of a newer version refused.`,
    )
    .action(async (file: string) => await run(terminal, file))
}

async function run(terminal: Terminal, file: string): Promise<void> {
  const config = loadCommandConfig(terminal)
  const archive = await openFile(terminal, file)
  try {
    refuseForeignSecrets(archive, config)
    await importAll(terminal, archive, isInstalled(config) ? config : createInstallation(terminal))
  } finally {
    archive.reader.close()
  }
}

function openFile(terminal: Terminal, file: string): Promise<Archive> {
  const source: Readable = file === '-' ? terminal.stdin : createReadStream(file)
  return openArchive(source).catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw isMissing ? new CommandFailure(`there is no file ${file}`) : error
  })
}

/** Nothing that another pepper digested is recognised, and nothing that another master key sealed opens. */
function refuseForeignSecrets(archive: Archive, config: Config): void {
  const foreign = findForeignArchiveSecrets(archive, config)
  if (foreign.size === 0) return
  const names = { pepper: 'SENTINEL_HMAC_SECRET', masterKey: 'MASTER_KEY' }
  const lines = [...foreign].map((name) => `${names[name]}: is not the one that the archive was made with`)
  const remedy = `Put secrets.json of the former data folder into ${config.dataDir}, or the lines of 'sallyport export --secrets' into .env`
  throw new CommandFailure([...lines, remedy].join('\n'), exitCodes.config)
}

/** Where no gateway was ever started: the secrets of the embedded database itself are made now. */
function createInstallation(terminal: Terminal): Config {
  return loadConfig({ env: terminal.env, workingDir: terminal.workingDir })
}

async function importAll(terminal: Terminal, archive: Archive, config: Config): Promise<void> {
  const bar = createProgressBar(terminal, 'rows')
  const leftOut = await importArchive(commandDependencies(config, terminal), archive, {
    onProgress: bar.show,
    check: (imported) => refuseForeignKeys(imported, config),
  }).finally(bar.end)
  const { tables, created_at: time, product } = archive.header
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  const place = config.embedded ? `the embedded database of ${config.dataDir}` : 'the database of PG_DSN'
  printLine(terminal, `Imported into ${place}: ${rows} rows of ${tables.length} tables,`)
  printLine(terminal, `as they were at ${time}, written by Sallyport ${product}.`)
  for (const name of leftOut) warn(terminal, `left out: table ${name}, which is none of Sallyport's`)
  printLine(
    terminal,
    'Start the gateway now. Queued mails and webhooks go out from here: the former one must not run.',
  )
  if (config.redisAddr) {
    printLine(
      terminal,
      `Redis must hold nothing of before: set another REDIS_PREFIX than ${config.redisPrefix}, or delete its keys.`,
    )
  }
}

/** The master key of the database may open only a part, while a rotation is under way. */
async function refuseForeignKeys(imported: Queryable, config: Config): Promise<void> {
  const providerKeys = await countForeignKeys(imported, config)
  const signingKeys = config.jwtSecret ? 0 : await countForeignSigningKeys(imported, config)
  if (providerKeys + signingKeys === 0) return
  throw new CommandFailure(
    `MASTER_KEY and MASTER_KEY_PREVIOUS do not open ${providerKeys} provider keys and ${signingKeys} signing keys of the archive. Set both as they were when it was written`,
    exitCodes.config,
  )
}
