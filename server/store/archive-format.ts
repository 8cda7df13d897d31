// The form of an archive: a gzip file of lines. A header, then each table as COPY writes it, closed by its count and
// digest, then the sequences. It can be read by eye, and whatever is missing or altered shows.
import { z } from 'zod'

export const archiveFormat = 'sallyport-archive'
export const archiveVersion = 1
/** The line that closes the rows of a table: no row can look like it. */
export const rowsEnd = '\\.\n'

/** Enough to tell an archive of another version from what is none. */
export const archiveMark = z.object({
  format: z.literal(archiveFormat),
  version: z.number().int(),
  /** Version of the product that wrote it. */
  product: z.string(),
})

export const archiveHeader = archiveMark.extend({
  created_at: z.iso.datetime(),
  /** Hashes of the migrations that had made the schema, in their order. */
  migrations: z.array(z.string()),
  /** Fingerprints of the secrets without which the content is of no use. */
  secrets: z.object({ pepper: z.string(), masterKey: z.string() }),
  /** In an order in which every table comes after those that it refers to. */
  tables: z.array(z.object({ name: z.string(), rows: z.number().int().min(0) })),
})
export type ArchiveHeader = z.output<typeof archiveHeader>

/** Before the rows of a table. */
export const tableStart = z.strictObject({ table: z.string(), columns: z.array(z.string()) })
/** After them. `sha256` is of the bytes as COPY wrote them. */
export const tableEnd = z.strictObject({ rows: z.number().int(), sha256: z.string() })
/** The last line. */
export const archiveEnd = z.strictObject({
  sequences: z.array(z.strictObject({ name: z.string(), value: z.number().int(), called: z.boolean() })),
})

/** What COPY writes depends on these; they are the same on both sides, whatever the servers' own settings are. */
export const copySettings = `
  set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set bytea_output = 'hex'; set extra_float_digits = 1;
  set statement_timeout = 0; set idle_in_transaction_session_timeout = 0`

/** The file cannot be imported, or there is nothing to export; the message says why and what to do. */
export class ArchiveError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ArchiveError'
  }
}

/** Each row that COPY writes is one line: a line end within a value is written as an escape. */
export function countRows(part: Uint8Array): number {
  let rows = 0
  for (let at = part.indexOf(lineFeed); at >= 0; at = part.indexOf(lineFeed, at + 1)) rows++
  return rows
}

const lineFeed = 10
