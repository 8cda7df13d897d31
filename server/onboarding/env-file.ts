// One `.env` file on disk: read anew each time, replaced as a whole, so that a crash leaves the old file or the new one.
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AppError } from '@sallyport/contract'
import { changeEnvText, type EnvChanges, readEnvText } from '../lib/env-text.ts'

export type EnvFile = {
  /** Empty when there is no file. */
  read(): Promise<Record<string, string | undefined>>
  /**
   * One change at a time. The file is made when there is none, and may be read by its owner only afterwards. A symbolic
   * link stays one: what it leads to is replaced. Throws AppError `conflict` when the file can't be changed safely.
   * Where `work`, done before anyone else's change, throws, the former values come back.
   */
  change(changes: EnvChanges, work?: () => Promise<unknown>): Promise<void>
}

const bytesMax = 1024 * 1024
const waitingMax = 100
/** Somebody else may save the file between our look at it and its replacement. */
const attemptsMax = 5

export function createEnvFile(path: string): EnvFile {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  return {
    async read() {
      const seen = await readText(path)
      return seen === null ? {} : readEnvText(Buffer.from(seen.text, 'latin1').toString('utf8'))
    },
    async change(changes, work) {
      if (waiting >= waitingMax) throw new AppError('overloaded', { retryAfterSeconds: 1 })
      waiting++
      const turn = last.then(() => changeAnd(path, changes, work))
      last = turn.catch(() => undefined)
      try {
        await turn
      } finally {
        waiting--
      }
    },
  }
}

async function changeAnd(path: string, changes: EnvChanges, work?: () => Promise<unknown>): Promise<void> {
  const former = await replace(path, changes)
  try {
    await work?.()
  } catch (error) {
    await replace(path, former)
    throw error
  }
}

/** Answers the change that takes this one back. */
async function replace(path: string, changes: EnvChanges): Promise<EnvChanges> {
  const target = await resolveLink(path)
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const seen = await readText(target)
    const before = seen?.text ?? ''
    const after = changeEnvText(before, changes)
    if (after === null) {
      throw unsafe(path, 'its quotes do not close, or the value can stand in none')
    }
    const isAbsent = seen === null && after === ''
    if (isAbsent || (await writeWhole(target, after, seen?.stats ?? null))) {
      return valuesOf(before, Object.keys(changes))
    }
  }
  throw unsafe(path, 'another program keeps saving it')
}

/** Null for a name without one. */
function valuesOf(text: string, names: readonly string[]): EnvChanges {
  const values = readEnvText(text)
  return Object.fromEntries(names.map((name) => [name, values[name] ?? null]))
}

/** A link that leads nowhere is refused: nobody can say what would come into being there. */
async function resolveLink(path: string): Promise<string> {
  const stats = await lstat(path).catch(ignoreAbsence)
  if (!stats?.isSymbolicLink()) return path
  try {
    return await realpath(path)
  } catch {
    throw unsafe(path, 'it is a symbolic link that leads nowhere')
  }
}

/** Bytes are kept as they are: each is one character here, whatever the encoding of the file. */
async function readText(path: string): Promise<{ text: string; stats: Stats } | null> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    return ignoreAbsence(error)
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw unsafe(path, 'it is not a regular file')
    if (stats.size > bytesMax) throw unsafe(path, 'it is larger than 1 MiB')
    return { text: (await file.readFile()).toString('latin1'), stats }
  } finally {
    await file.close()
  }
}

/** False: the file is no longer the one that `before` tells of, and stays untouched. */
async function writeWhole(path: string, text: string, before: Stats | null): Promise<boolean> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text, 'latin1')
      // As root the file would change hands otherwise.
      if (before && (before.uid !== process.getuid?.() || before.gid !== process.getgid?.())) {
        await file.chown(before.uid, before.gid).catch(() => undefined)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    const now = await stat(path).catch(ignoreAbsence)
    if (!isSame(before, now)) return false
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(folder)
  return true
}

/** Without it a power cut may take the rename back. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isSame(before: Stats | null, now: Stats | null): boolean {
  if (!before || !now) return before === now
  return before.ino === now.ino && before.size === now.size && before.mtimeMs === now.mtimeMs
}

function ignoreAbsence(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}

function unsafe(path: string, reason: string): AppError {
  return new AppError('conflict', {
    message: `The file ${basename(path)} cannot be changed safely: ${reason}. Mend it by hand.`,
  })
}
