// The folder of the embedded database: made whole or not at all, and refused when another major version wrote it.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Secret } from '../lib/secret.ts'
import type { ServerAccount } from './embedded-account.ts'
import type { ServerBinaries } from './embedded-binaries.ts'
import { StoreStartError } from './store-start-error.ts'

export const databaseUser = 'sallyport'
export const databaseName = 'postgres'
/** Environment of the server's programs: nothing of ours, secrets least of all. */
export const serverEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const initLimitMs = 120_000

export type ClusterOptions = {
  home: string
  account: ServerAccount | null
  binaries: ServerBinaries
  password: Secret
}

/** Returns the database folder below `home`, made first when absent. The caller holds the start lock. */
export async function prepareCluster(options: ClusterOptions): Promise<string> {
  const { home, binaries } = options
  const databaseDir = join(home, 'database')
  removeDrafts(home)
  if (!existsSync(databaseDir)) await initialise(databaseDir, options)
  const major = readFileSync(join(databaseDir, 'PG_VERSION'), 'utf8').trim()
  if (major !== binaries.major) {
    throw new StoreStartError(
      `${databaseDir} was written by PostgreSQL ${major}, and this version of Sallyport brings ${binaries.major}. Start the former version of Sallyport, write an archive with 'sallyport export FILE', move the folder away, and read the archive with 'sallyport import FILE' here`,
    )
  }
  return databaseDir
}

async function initialise(databaseDir: string, options: ClusterOptions): Promise<void> {
  const { home, account, binaries, password } = options
  const draft = `${databaseDir}.draft-${randomUUID()}`
  const passwordFile = `${draft}.password`
  writeFileSync(passwordFile, `${password.reveal()}\n`, { mode: 0o600, flag: 'wx' })
  if (account) chownSync(passwordFile, account.uid, account.gid)
  const parameters = [
    ...['-D', draft, '-U', databaseUser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    '--no-instructions',
  ]
  try {
    await promisify(execFile)(binaries.initdb, parameters, {
      cwd: home,
      env: serverEnvironment,
      timeout: initLimitMs,
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    })
    renameSync(draft, databaseDir)
    syncFolder(home)
  } catch (error) {
    throw new StoreStartError(`the embedded database could not be made: ${lastLine(error)}`, error)
  } finally {
    removeDrafts(home)
  }
}

/** What an interrupted first start left behind, its password file among it. The initdb of a killed start may still write for a moment. */
function removeDrafts(home: string): void {
  const thorough = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }
  for (const name of readdirSync(home)) {
    if (name.startsWith('database.draft-')) rmSync(join(home, name), thorough)
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}

function lastLine(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  return text.trim().split('\n').at(-1) ?? ''
}
