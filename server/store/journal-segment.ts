// One file of the journal: lines of JSON, each with a checksum, so that what a crash tore is told from what was written.
import { crc32 } from 'node:zlib'

/** Behind the checksum and a blank. */
const textStart = 9

/** `<crc32 of the text, 8 hex digits> <text>\n`; the text is JSON and so holds no line break. */
export function writeLine(record: object): string {
  const text = JSON.stringify(record)
  return `${checksum(text)} ${text}\n`
}

export type ReadLines = {
  /** Each is the JSON of a record, as it was written. */
  texts: string[]
  /** Position behind the last line that was read. */
  endPosition: number
  /** Lines that were whole but wrong. */
  brokenLines: number
}

/**
 * Reads at most `recordsMax` lines of `bytes`, which begin at `position` of the file. A last line without its end is
 * left alone: it was torn by a crash or is being written.
 */
export function readLines(bytes: Buffer, position: number, recordsMax: number): ReadLines {
  const texts: string[] = []
  let brokenLines = 0
  let start = 0
  while (texts.length < recordsMax) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0) break
    // Empty lines are what a recovering journal tries the disk with.
    if (end > start) {
      const text = readText(bytes.subarray(start, end))
      if (text === null) brokenLines++
      else texts.push(text)
    }
    start = end + 1
  }
  return { texts, endPosition: position + start, brokenLines }
}

/** Null for a broken line. What has its checksum was written by us, so its text need not be parsed to be trusted. */
function readText(line: Buffer): string | null {
  const written = line.subarray(textStart)
  const isWhole = line.toString('latin1', 0, textStart) === `${checksum(written)} `
  return isWhole ? written.toString() : null
}

function checksum(text: string | Buffer): string {
  return crc32(text).toString(16).padStart(8, '0')
}
