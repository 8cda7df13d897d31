// Fills an empty database from an archive, in the transaction of the caller, and holds each table against its count and digest.
import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { z } from 'zod'
import { ArchiveError, archiveEnd, countRows, tableEnd, tableStart } from './archive-format.ts'
import { type ArchiveReader, parseLine } from './archive-reader.ts'
import { listTables, nameOf, quote, setSequence } from './archive-tables.ts'
import type { Connection } from './connection.ts'
import { createSchema, listKnownMigrations } from './migrations.ts'
import type { Archive, ImportOptions } from './read-archive.ts'

/** Looking through a large table. */
const workLimitMs = 3_600_000

/** Makes the schema of the archive's time and fills it. */
export async function loadArchive(
  connection: Connection,
  { header, reader }: Archive,
  { onProgress, check }: ImportOptions,
): Promise<string[]> {
  const hashes = new Set(header.migrations)
  await createSchema(
    connection,
    listKnownMigrations().filter(({ hash }) => hashes.has(hash)),
  )
  const known = new Map((await listTables(connection)).map(({ name, columns }) => [name, columns]))
  const total = header.tables.reduce((sum, { rows }) => sum + rows, 0)
  const leftOut: string[] = []
  let done = 0
  for (const { name, rows } of header.tables) {
    const before = done
    const onRows = (count: number) => onProgress({ done: before + count, total })
    if (!known.delete(name)) leftOut.push(name)
    await loadTable(connection, reader, { name, rows, isOurs: !leftOut.includes(name), onRows })
    done += rows
  }
  if (known.size > 0) throw new ArchiveError(`the file lacks tables: ${[...known.keys()].join(', ')}`)
  const { sequences } = parseLine(await reader.readLine(), archiveEnd)
  await reader.end()
  for (const sequence of sequences) await setSequence(connection, sequence)
  await check({ query: (sql, values = []) => connection.query(sql, values, workLimitMs) })
  return leftOut
}

type TableWork = {
  name: string
  /** As the header says. */
  rows: number
  /** False: the schema does not know the table; its rows are read and left out. */
  isOurs: boolean
  onRows(count: number): void
}

async function loadTable(
  connection: Connection,
  reader: ArchiveReader,
  { name, rows, isOurs, onRows }: TableWork,
): Promise<void> {
  const start = parseLine(await reader.readLine(), tableStart)
  const digest = createHash('sha256')
  let count = 0
  async function* countedRows(): AsyncGenerator<Uint8Array> {
    for await (const part of reader.readRows()) {
      digest.update(part)
      count += countRows(part)
      onRows(count)
      if (isOurs) yield part
    }
  }
  if (isOurs) await copyInto(connection, start, countedRows())
  else await Array.fromAsync(countedRows())
  const end = parseLine(await reader.readLine(), tableEnd)
  const isWhole = start.table === name && end.rows === rows && count === rows
  if (!isWhole || digest.digest('hex') !== end.sha256) {
    throw new ArchiveError(`the file is damaged: table ${name} is not as it was written. Use another copy`)
  }
  // What was empty for the planner has rows now.
  if (isOurs && rows > 0) await connection.query(`analyze ${nameOf(name)}`, [], workLimitMs)
}

async function copyInto(
  connection: Connection,
  { table, columns }: z.output<typeof tableStart>,
  rows: AsyncIterable<Uint8Array>,
): Promise<void> {
  const sql = `copy ${nameOf(table)} (${columns.map(quote).join(', ')}) from stdin`
  try {
    await pipeline(rows, connection.client.query(copyFrom(sql)))
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !/^(22|23|42)/.test(error.code ?? '')) throw error
    throw new ArchiveError(
      `the file is damaged: the rows of ${table} do not fit (${error.message}). Use another copy`,
      error,
    )
  }
}
