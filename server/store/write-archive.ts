// Writes an archive: everything the database holds at one moment, while gateways go on working on it.
import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { to as copyTo } from 'pg-copy-streams'
import {
  ArchiveError,
  type ArchiveHeader,
  archiveFormat,
  archiveVersion,
  copySettings,
  countRows,
  rowsEnd,
} from './archive-format.ts'
import { listSequences, listTables, nameOf, quote, type TableInfo } from './archive-tables.ts'
import type { Connection } from './connection.ts'
import {
  type Fingerprints,
  findForeignSecrets,
  readFingerprints,
  refuseForeignSecrets,
} from './fingerprint.ts'
import { importedJobsTable, waitingJobsSql } from './imported-jobs.ts'
import { readApplied } from './migrations.ts'
import { openServerForCommand } from './open-for-command.ts'
import { connectPatiently } from './prepare-database.ts'
import type { StoreDependencies } from './store.ts'

const queryLimitMs = 60_000
/** Counting the rows of a large table reads it whole. */
const countLimitMs = 3_600_000

export type ArchiveProgress = { done: number; total: number }

export type ExportOptions = {
  /** Version of the product. */
  product: string
  /** Takes the file, part by part; what it throws ends the export. */
  write(parts: AsyncIterable<Uint8Array>): Promise<void>
  onProgress(progress: ArchiveProgress): void
}

/** Changes nothing. Throws ConfigError for other secrets than the database's, ArchiveError, or StoreStartError. */
export async function exportDatabase(
  dependencies: StoreDependencies,
  options: ExportOptions,
): Promise<ArchiveHeader> {
  const { config, clock, logger } = dependencies
  const server = await openServerForCommand(dependencies)
  try {
    const connection = await connectPatiently(server.target, clock, logger)
    try {
      await connection.query(copySettings, [], queryLimitMs)
      // One snapshot for every statement that follows.
      await connection.query('begin isolation level repeatable read read only', [], queryLimitMs)
      const secrets = await checkSecrets(connection, config)
      const tables = await listTables(connection)
      const header: ArchiveHeader = {
        ...{ format: archiveFormat, version: archiveVersion, product: options.product },
        created_at: new Date(clock.now()).toISOString(),
        migrations: [...((await readApplied(connection)) ?? [])],
        secrets,
        tables: await countTables(connection, tables),
      }
      const parts = writeParts(connection, { header, tables, onProgress: options.onProgress })
      // Each reader of the compressed stream hears of a failure; here it only ends its source.
      await options.write(pipeline(Readable.from(parts), createGzip(), () => undefined))
      return header
    } finally {
      connection.destroy()
    }
  } finally {
    await server.leave()
  }
}

/** What the database remembers of its secrets. An archive whose secrets nobody has would be worthless. */
async function checkSecrets(
  connection: Connection,
  config: StoreDependencies['config'],
): Promise<Fingerprints> {
  const remembered = (await hasTable(connection, 'public.installation'))
    ? await readFingerprints(connection)
    : null
  if (!remembered) {
    throw new ArchiveError('there is nothing to export: no gateway was ever started on this database')
  }
  refuseForeignSecrets(findForeignSecrets(remembered, config))
  return remembered
}

async function countTables(
  connection: Connection,
  tables: readonly TableInfo[],
): Promise<ArchiveHeader['tables']> {
  const counts: ArchiveHeader['tables'] = []
  for (const { name } of tables) {
    const sql = `select count(*) as rows from (${await sourceOf(connection, name)}) as source`
    const { rows } = await connection.query<{ rows: number }>(sql, [], countLimitMs)
    counts.push({ name, rows: rows[0]?.rows ?? 0 })
  }
  return counts
}

async function* writeParts(
  connection: Connection,
  work: { header: ArchiveHeader; tables: readonly TableInfo[]; onProgress: ExportOptions['onProgress'] },
): AsyncGenerator<Uint8Array> {
  const { header, tables, onProgress } = work
  const total = header.tables.reduce((sum, { rows }) => sum + rows, 0)
  let done = 0
  yield line(header)
  for (const { name, columns } of tables) {
    yield line({ table: name, columns })
    const source = `select ${columns.map(quote).join(', ')} from (${await sourceOf(connection, name)}) as source`
    const digest = createHash('sha256')
    let rows = 0
    for await (const part of connection.client.query(copyTo(`copy (${source}) to stdout`))) {
      digest.update(part)
      rows += countRows(part)
      onProgress({ done: done + rows, total })
      yield part
    }
    done += rows
    yield Buffer.from(rowsEnd)
    yield line({ rows, sha256: digest.digest('hex') })
  }
  // Not part of the snapshot: a later value only leaves a gap.
  yield line({ sequences: await listSequences(connection) })
}

/** The rows of a table; of the one for queued work also what waits in the queues. */
async function sourceOf(connection: Connection, table: string): Promise<string> {
  const isQueue = table === importedJobsTable && (await hasTable(connection, 'jobs.job'))
  return isQueue ? waitingJobsSql : `select * from ${nameOf(table)}`
}

async function hasTable(connection: Connection, name: string): Promise<boolean> {
  const { rows } = await connection.query('select where to_regclass($1) is not null', [name], queryLimitMs)
  return rows.length > 0
}

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}
