// Imports an archive into an empty database: all of it in one transaction, or nothing.
import type { Readable } from 'node:stream'
import {
  ArchiveError,
  type ArchiveHeader,
  archiveHeader,
  archiveMark,
  archiveVersion,
  copySettings,
} from './archive-format.ts'
import { type ArchiveReader, createArchiveReader, notOurs } from './archive-reader.ts'
import { listOccupants } from './archive-tables.ts'
import type { Connection } from './connection.ts'
import { type Fingerprints, findForeignSecrets } from './fingerprint.ts'
import { loadArchive } from './load-archive.ts'
import { listKnownMigrations, lockMigrations, migrate } from './migrations.ts'
import { openServerForCommand } from './open-for-command.ts'
import { checkVersion, connectPatiently } from './prepare-database.ts'
import type { Queryable, StoreDependencies } from './store.ts'
import type { ArchiveProgress } from './write-archive.ts'

const queryLimitMs = 60_000
/** Ending a long transaction writes it to disk. */
const commitLimitMs = 3_600_000
const namesShown = 6

export type Archive = {
  header: ArchiveHeader
  reader: ArchiveReader
}

/** Reads the header. Throws ArchiveError for a file of another kind, or of a newer version. */
export async function openArchive(file: Readable): Promise<Archive> {
  const reader = createArchiveReader(file)
  try {
    return { header: readHeader(await reader.readLine()), reader }
  } catch (error) {
    reader.close()
    throw error
  }
}

function readHeader(line: string): ArchiveHeader {
  const first = parseJson(line)
  const mark = archiveMark.safeParse(first)
  if (!mark.success) throw notOurs(mark.error)
  const { product, version } = mark.data
  const remedy = `Update this checkout to version ${product} or newer and import the file then`
  if (version > archiveVersion) {
    throw new ArchiveError(`the file has a newer form (${version}; known here: ${archiveVersion}). ${remedy}`)
  }
  const header = archiveHeader.safeParse(first)
  if (!header.success)
    throw new ArchiveError('the header of the file is damaged. Use another copy', header.error)
  const known = new Set(listKnownMigrations().map(({ hash }) => hash))
  if (!header.data.migrations.every((hash) => known.has(hash))) {
    throw new ArchiveError(
      `the file was written by Sallyport ${product} with a newer schema than this version knows. ${remedy}`,
    )
  }
  return header.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notOurs(error)
  }
}

/** Which secrets of this installation are others than those of the archive's. */
export function findForeignArchiveSecrets(
  { header }: Archive,
  config: StoreDependencies['config'],
): Set<keyof Fingerprints> {
  return findForeignSecrets(header.secrets, config)
}

export type ImportOptions = {
  onProgress(progress: ArchiveProgress): void
  /** Looks at what was imported before it counts; what it throws undoes the import. */
  check(imported: Queryable): Promise<void>
}

/**
 * Answers the tables of the archive that are none of ours and were left out. Throws ArchiveError, StoreStartError, or
 * what `check` throws; the database is then as it was.
 */
export async function importArchive(
  dependencies: StoreDependencies,
  archive: Archive,
  options: ImportOptions,
): Promise<string[]> {
  const { clock, logger } = dependencies
  const server = await openServerForCommand(dependencies)
  try {
    const connection = await connectPatiently(server.target, clock, logger)
    try {
      await checkVersion(connection)
      await lockMigrations(connection)
      await connection.query(copySettings, [], queryLimitMs)
      await refuseOccupied(connection, server.howToEmpty)
      await connection.query('begin', [], queryLimitMs)
      const leftOut = await loadArchive(connection, archive, options)
      await connection.query('commit', [], commitLimitMs)
      await migrate(connection, logger)
      return leftOut
    } finally {
      // An open transaction ends with its connection, and is undone.
      connection.destroy()
    }
  } finally {
    archive.reader.close()
    await server.leave()
  }
}

async function refuseOccupied(connection: Connection, howToEmpty: string): Promise<void> {
  const names = await listOccupants(connection)
  if (names.length === 0) return
  const shown = names.slice(0, namesShown).join(', ')
  const others = names.length > namesShown ? ` and ${names.length - namesShown} more` : ''
  throw new ArchiveError(
    `an archive is imported into an empty database only, and this one holds ${shown}${others}. ${howToEmpty}`,
  )
}
