// Journals of processes that are gone: found, claimed by their lock, and removed once they are drained.
import { randomUUID } from 'node:crypto'
import { readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { type JournalLog, listKinds, openJournalLog } from './journal-log.ts'
import { acquireProcessLock, LockHeldError, lockExists, type ProcessLock } from './process-lock.ts'

export const lockName = 'lock'
/** A folder without a lock is being made at this moment, unless it is older than this. */
const birthMs = 60_000
export const instanceName = /^[0-9a-f-]{36}$/
const removedSuffix = '.removed'

export type Orphan = {
  readonly folder: string
  readonly logs: ReadonlyMap<string, JournalLog>
  /** After the last record: removes the folder. */
  remove(): Promise<void>
  /** Leaves it to another process. */
  release(): Promise<void>
}

/** Claims every journal below `root` whose process is gone; a claimed one is nobody else's. */
export async function adoptOrphans(root: string, ownName: string, clock: Clock): Promise<Orphan[]> {
  const orphans: Orphan[] = []
  for (const name of readdirSync(root)) {
    const folder = join(root, name)
    if (name.endsWith(removedSuffix)) rmSync(folder, { recursive: true, force: true })
    if (!instanceName.test(name) || name === ownName) continue
    const lock = claim(folder, clock)
    if (lock) orphans.push(await openOrphan(folder, lock))
  }
  return orphans
}

function claim(folder: string, clock: Clock): ProcessLock | null {
  const path = join(folder, lockName)
  try {
    if (lockExists(path)) return acquireProcessLock(path, clock)
    const age = Date.now() - statSync(folder).mtimeMs
    if (age > birthMs) rmdirSync(folder)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    // Held by the living, or removed by its adopter while we looked.
    if (!(error instanceof LockHeldError) && code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error
  }
  return null
}

async function openOrphan(folder: string, lock: ProcessLock): Promise<Orphan> {
  const logs = new Map<string, JournalLog>()
  for (const kind of listKinds(folder)) logs.set(kind, await openJournalLog(folder, kind))
  const closeLogs = () => Promise.all([...logs.values()].map((log) => log.close()))
  return {
    folder,
    logs,
    async remove() {
      await closeLogs()
      // Renamed first, so that nobody adopts what is half removed.
      const removed = join(`${folder}.${randomUUID()}${removedSuffix}`)
      renameSync(folder, removed)
      lock.release()
      rmSync(removed, { recursive: true, force: true })
    },
    async release() {
      await closeLogs()
      lock.abandon()
    },
  }
}
