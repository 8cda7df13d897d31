// One file of the journal: lines of JSON, each with a checksum, so that what a crash tore is told from what was written.
import { crc32 } from 'node:zlib'

/** Behind the checksum and a blank. */
const textStart = 9
const lineEnd = 0x0a

/** `<crc32 of the text, 8 hex digits> <text>\n`; the text is JSON and so holds no line break. */
export function writeLine(record: object): string {
  const text = JSON.stringify(record)
  return `${checksum(text)} ${text}\n`
}

/** The same as bytes, which stand in `room` until the next one; null when they are more than its `bytesMax`. */
export function writeLineTo(room: LineRoom, record: object): Buffer | null {
  const { bytes, bytesMax } = room
  const textEnd = textStart + bytes.write(JSON.stringify(record), textStart)
  if (textEnd >= bytesMax) return null
  bytes.write(`${checksum(bytes.subarray(textStart, textEnd))} `, 0, 'latin1')
  bytes[textEnd] = lineEnd
  return bytes.subarray(0, textEnd + 1)
}

export type LineRoom = { readonly bytes: Buffer; readonly bytesMax: number }

/** A little more than asked for: what is cut off at its end is then longer than `bytesMax`, too. */
export function createLineRoom(bytesMax: number): LineRoom {
  return { bytes: Buffer.alloc(bytesMax + 4), bytesMax }
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
    const end = bytes.indexOf(lineEnd, start)
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
