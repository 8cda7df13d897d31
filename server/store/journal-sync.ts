// Brings to disk what was written to files of the journal: all writes of a moment share one sync.
import { closeSync, fdatasync, fsync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Clock, Timer } from '../lib/clock.ts'

/** With the time that the disk takes, what was written is synced within 50 ms. */
const syncDelayMs = 20

const syncData = promisify(fdatasync)
const syncAll = promisify(fsync)

export type JournalSync = {
  /** Something was written to the open file. */
  add(file: number): void
  /** The same, and nothing more will be: the file is closed after its sync. */
  addLast(file: number): void
  /** A file was begun: its name has to survive a power cut too. */
  addName(): void
  /** Resolves when everything added is on disk. */
  now(): Promise<void>
}

export function createJournalSync(options: {
  folder: string
  clock: Clock
  onFailed(error: unknown): void
}): JournalSync {
  const { folder, clock, onFailed } = options
  const written = new Set<number>()
  const finished = new Set<number>()
  let hasNewName = false
  let timer: Timer | null = null
  let running: Promise<void> = Promise.resolve()

  async function syncWritten(): Promise<void> {
    timer = null
    const files = [...written]
    const last = files.filter((file) => finished.delete(file))
    written.clear()
    const isNamed = !hasNewName
    hasNewName = false
    try {
      for (const file of files) await syncData(file)
      if (!isNamed) await syncFolder(folder)
    } catch (error) {
      onFailed(error)
    } finally {
      for (const file of last) closeSync(file)
    }
  }

  function run(): Promise<void> {
    timer?.cancel()
    running = running.then(syncWritten)
    return running
  }

  function add(file: number): void {
    written.add(file)
    timer ??= clock.after(syncDelayMs, () => void run())
  }

  return {
    add,
    addLast(file: number) {
      finished.add(file)
      add(file)
    },
    addName() {
      hasNewName = true
    },
    now: run,
  }
}

/** Files have their names in the folder. */
async function syncFolder(folder: string): Promise<void> {
  const file = openSync(folder, 'r')
  await syncAll(file).finally(() => closeSync(file))
}
