// Which journals stand below a data folder: those of running gateways, and those that a killed one left.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { instanceName, lockName } from './journal-orphans.ts'
import { findLockOwner, lockExists } from './process-lock.ts'

export type JournalFolders = {
  /** Of gateways that run now. */
  inUse: number
  /** With records that no gateway has taken over yet: the next start does. */
  left: number
}

export function listJournals(dataDir: string): JournalFolders {
  const root = join(dataDir, 'journal')
  const folders = existsSync(root) ? readdirSync(root).filter((name) => instanceName.test(name)) : []
  const locks = folders.map((name) => join(root, name, lockName)).filter(lockExists)
  const inUse = locks.filter((lock) => findLockOwner(lock) !== null).length
  return { inUse, left: locks.length - inUse }
}
