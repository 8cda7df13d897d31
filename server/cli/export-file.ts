// Writes what is streamed to a file for its owner only, or to standard output.
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { printLine, type Terminal } from './terminal.ts'

/** `file`: `-` for standard output. */
export async function exportToFile(
  terminal: Terminal,
  parts: AsyncIterable<Uint8Array>,
  file: string,
): Promise<void> {
  const body = Readable.from(parts)
  if (file === '-') return await pipeline(body, terminal.stdout, { end: false })
  // Written beside and renamed when whole, so that a broken export never looks like a finished one.
  const draft = `${file}.part`
  try {
    await rm(draft, { force: true })
    await pipeline(body, createWriteStream(draft, { mode: 0o600, flags: 'wx', flush: true }))
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  printLine(terminal, `Written to ${file}.`)
}
