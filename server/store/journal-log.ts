// The records of one kind in one folder: segment files read in order, each deleted once it is drained.
import { constants, readdirSync, statSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readLines } from './journal-segment.ts'

const chunkBytes = 1024 * 1024

export type Segment = {
  readonly number: number
  /** Bytes that may be read: those known to be on disk. */
  bytes: number
  /** Nothing more will be written to it. */
  isComplete: boolean
}

export type Batch = {
  /** JSON of each record. */
  texts: string[]
  brokenLines: number
  /** Bytes that the batch takes off the log. */
  bytes: number
  readonly endOffset: number
}

export type JournalLog = {
  /** Segments not yet drained, oldest first; the writer of a live log adds to it. */
  readonly segments: Segment[]
  pathOf(number: number): string
  waitingBytes(): number
  /** At most `recordsMax` records behind the position; null when there is nothing to read now. */
  readBatch(recordsMax: number): Promise<Batch | null>
  /** Moves the position behind the batch, on disk too, so that a restart repeats one batch at most. */
  advance(batch: Batch): Promise<void>
  close(): Promise<void>
}

/** Kinds that have files in `folder`. */
export function listKinds(folder: string): string[] {
  const kinds = readdirSync(folder).flatMap((name) => segmentName.exec(name)?.[1] ?? [])
  return [...new Set(kinds)]
}

const segmentName = /^([a-z_]+)-(\d{8})\.ndjson$/

/** Opens the log of `kind`; what stands in the folder already was written by a process that is gone. */
export async function openJournalLog(folder: string, kind: string): Promise<JournalLog> {
  const segments = listSegments(folder, kind)
  const progress = await open(join(folder, `${kind}.drained`), constants.O_RDWR | constants.O_CREAT, 0o600)
  const position = await readPosition(progress)
  while (segments[0] && segments[0].number < position.segment) segments.shift()
  let offset = segments[0]?.number === position.segment ? position.offset : 0
  const pathOf = (number: number) => join(folder, `${kind}-${String(number).padStart(8, '0')}.ndjson`)

  async function dropDrained(): Promise<Segment | null> {
    for (let first = segments[0]; first; first = segments[0]) {
      if (offset < first.bytes || !first.isComplete) return offset < first.bytes ? first : null
      segments.shift()
      offset = 0
      await rm(pathOf(first.number), { force: true })
    }
    return null
  }

  return {
    segments,
    pathOf,
    waitingBytes: () => segments.reduce((sum, segment) => sum + segment.bytes, -offset),
    async readBatch(recordsMax) {
      const segment = await dropDrained()
      if (!segment) return null
      const available = segment.bytes - offset
      for (let bytes = Math.min(chunkBytes, available); ; bytes = Math.min(bytes * 2, available)) {
        const chunk = await readChunk(pathOf(segment.number), offset, bytes)
        const read = readLines(chunk, offset, recordsMax)
        const isWholeLine = read.endPosition > offset
        if (!isWholeLine && bytes < available) continue
        // Without its end, the rest of a segment is a line that a crash tore.
        const endOffset = isWholeLine ? read.endPosition : segment.bytes
        return { ...read, endOffset, bytes: endOffset - offset }
      }
    },
    async advance(batch) {
      offset = batch.endOffset
      await writePosition(progress, { segment: segments[0]?.number ?? 0, offset })
      await dropDrained()
    },
    close: () => progress.close(),
  }
}

function listSegments(folder: string, kind: string): Segment[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const match = segmentName.exec(name)
      if (match?.[1] !== kind) return []
      return { number: Number(match[2]), bytes: statSync(join(folder, name)).size, isComplete: true }
    })
    .sort((one, other) => one.number - other.number)
}

/** Empty when somebody removed the file: what is lost must not hold up what is there. */
async function readChunk(path: string, offset: number, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
  if (!file) return Buffer.alloc(0)
  try {
    const chunk = Buffer.allocUnsafe(bytes)
    const { bytesRead } = await file.read(chunk, 0, bytes, offset)
    return chunk.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

type Position = { segment: number; offset: number }

/** Fixed width, so that one write replaces it whole. */
async function writePosition(file: FileHandle, position: Position): Promise<void> {
  const text = `${String(position.segment).padStart(8, '0')} ${String(position.offset).padStart(15, '0')}\n`
  await file.write(text, 0)
}

async function readPosition(file: FileHandle): Promise<Position> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
  const match = /^(\d{8}) (\d{15})\n/.exec(buffer.toString('latin1', 0, bytesRead))
  return { segment: Number(match?.[1] ?? 0), offset: Number(match?.[2] ?? 0) }
}
