// One file of the journal: lines of JSON, each with a checksum, so that what a crash tore is told from what was written.
import { crc32 } from 'node:zlib'

/** `<crc32 of the text, 8 hex digits> <text>\n`; the text is JSON and so holds no line break. */
export function writeLine(record: object): string {
  const text = JSON.stringify(record)
  return `${checksum(text)} ${text}\n`
}

export type ReadLines = {
  records: unknown[]
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
  const records: unknown[] = []
  let brokenLines = 0
  let start = 0
  while (records.length < recordsMax) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0) break
    // Empty lines are what a recovering journal tries the disk with.
    const record = end === start ? null : parseLine(bytes.toString('utf8', start, end))
    if (record === undefined) brokenLines++
    else if (record !== null) records.push(record)
    start = end + 1
  }
  return { records, endPosition: position + start, brokenLines }
}

/** Undefined for a broken line. */
function parseLine(line: string): unknown {
  const text = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
