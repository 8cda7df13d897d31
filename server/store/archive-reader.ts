// Reads an archive line by line and rows in the pieces they come in: flat memory, however long a row is.
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { z } from 'zod'
import { ArchiveError, rowsEnd } from './archive-format.ts'

const pieceBytes = 256 * 1024
/** The header names every table and migration. */
const lineBytesMax = 4 * 1024 * 1024
const lineEnd = Buffer.from('\n')
const mark = Buffer.from(`\n${rowsEnd}`)

export type ArchiveReader = {
  /** The next line, without its end. */
  readLine(): Promise<string>
  /** What comes up to the line that closes the rows. */
  readRows(): AsyncGenerator<Uint8Array>
  /** Throws when anything follows. */
  end(): Promise<void>
  close(): void
}

/** Throws ArchiveError for a file that is none of ours, damaged or cut off. */
export function createArchiveReader(file: Readable): ArchiveReader {
  // Each reading hears of a failure; here it only ends the file.
  const unpacked = pipeline(file, createGunzip({ chunkSize: pieceBytes }), () => undefined)
  const pieces: AsyncIterator<Buffer> = unpacked[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function more(): Promise<boolean> {
    try {
      const { value, done } = await pieces.next()
      if (done) return false
      rest = rest.length === 0 ? value : Buffer.concat([rest, value])
      return true
    } catch (error) {
      throw explain(error)
    }
  }

  return {
    async readLine() {
      let end = rest.indexOf(lineEnd)
      while (end < 0) {
        if (rest.length > lineBytesMax) throw notOurs()
        if (!(await more())) throw cutOff()
        end = rest.indexOf(lineEnd)
      }
      const text = rest.toString('utf8', 0, end)
      rest = rest.subarray(end + 1)
      return text
    },

    async *readRows() {
      // Behind a line end of our own, so that the mark is found the same way when there are no rows.
      rest = Buffer.concat([lineEnd, rest])
      let own = lineEnd.length
      for (;;) {
        const at = rest.indexOf(mark)
        // The last bytes may be the beginning of the mark: they wait for what follows.
        const end = at < 0 ? Math.max(own, rest.length - mark.length + 1) : at + 1
        const rows = rest.subarray(own, end)
        if (at >= 0) rest = rest.subarray(at + mark.length)
        else if (rows.length > 0) rest = rest.subarray(end)
        if (rows.length > 0) {
          own = 0
          yield rows
        }
        if (at >= 0) return
        if (!(await more())) throw cutOff()
      }
    },

    async end() {
      if (rest.length > 0 || (await more()))
        throw new ArchiveError('the file goes on where it should end: it is damaged')
    },

    close: () => void file.destroy(),
  }
}

export function parseLine<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new ArchiveError('the file is damaged: a line of it cannot be read. Use another copy', error)
  }
}

export function notOurs(cause?: unknown): ArchiveError {
  return new ArchiveError("the file is no archive of 'sallyport export'", cause)
}

function cutOff(cause?: unknown): ArchiveError {
  return new ArchiveError('the file is cut off: its end is missing. Use another copy', cause)
}

/** What reading and unpacking throw. */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'Z_BUF_ERROR') return cutOff(error)
  if (error.code !== 'Z_DATA_ERROR') return error
  if (error.message === 'incorrect header check') return notOurs(error)
  return new ArchiveError(`the file is damaged (${error.message}). Use another copy`, error)
}
