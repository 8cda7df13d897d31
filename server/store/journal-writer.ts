// Writes records to a journal's log: all that arrive within a turn of the event loop share one write and one sync.
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { JournalLog, Segment } from './journal-log.ts'

const segmentBytesMax = 8 * 1024 * 1024
/** Enough for a full disk to refuse it, where a byte would still fit the last block. */
const trial = '\n'.repeat(65_536)

export type JournalWriter = {
  /** Resolves when the line is synced to disk. */
  append(line: string): Promise<void>
  /** Writes empty lines, to learn whether the disk takes anything again. */
  tryDisk(): Promise<void>
  close(): Promise<void>
}

type Waiting = { texts: string[]; written: PromiseWithResolvers<void> }

export function createJournalWriter(log: JournalLog, onWritten: () => void): JournalWriter {
  let waiting: Waiting | null = null
  let writing: Promise<void> | null = null
  let file: FileHandle | null = null
  let segment: Segment | null = null
  let nextNumber = (log.segments.at(-1)?.number ?? 0) + 1

  function enqueue(text: string): Promise<void> {
    waiting ??= { texts: [], written: Promise.withResolvers() }
    waiting.texts.push(text)
    writing ??= writeAll().finally(() => {
      writing = null
    })
    return waiting.written.promise
  }

  async function writeAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    for (let batch = waiting; batch; batch = waiting) {
      waiting = null
      try {
        await write(Buffer.from(batch.texts.join('')))
        batch.written.resolve()
        onWritten()
      } catch (error) {
        await abandonSegment()
        batch.written.reject(error)
      }
    }
  }

  async function write(bytes: Buffer): Promise<void> {
    const current = segment ?? (await beginSegment())
    if (!file) throw new Error('a segment without its file')
    for (let written = 0; written < bytes.length; ) {
      const result = await file.write(bytes, written, bytes.length - written, current.bytes + written)
      written += result.bytesWritten
    }
    await file.datasync()
    current.bytes += bytes.length
    if (current.bytes >= segmentBytesMax) await finishSegment()
  }

  async function beginSegment(): Promise<Segment> {
    const path = log.pathOf(nextNumber)
    file = await open(path, 'wx', 0o600)
    segment = { number: nextNumber++, bytes: 0, isComplete: false }
    log.segments.push(segment)
    // The name must survive a power cut as well as the content.
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return segment
  }

  async function finishSegment(): Promise<void> {
    const finished = file
    file = null
    if (segment) segment.isComplete = true
    segment = null
    await finished?.close()
  }

  /** After a failed write the end of the file is unknown: what comes next goes into a new one. */
  async function abandonSegment(): Promise<void> {
    await file?.truncate(segment?.bytes ?? 0).catch(() => undefined)
    await finishSegment().catch(() => undefined)
  }

  return {
    append: enqueue,
    tryDisk: () => enqueue(trial),
    async close() {
      await writing
      await finishSegment()
    },
  }
}
