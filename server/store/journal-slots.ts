// Room in a journal that is secured before it is needed: a record is then written synchronously, and no full disk can refuse it.
import { randomUUID } from 'node:crypto'
import { ftruncateSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { JournalLog, Segment } from './journal-log.ts'
import { giveBack, type Room, takeRoom, takeRoomAhead, writeWhole } from './journal-room.ts'
import { createLineRoom, writeLineTo } from './journal-segment.ts'
import { createJournalSync } from './journal-sync.ts'
import type { JournalSlot } from './store.ts'

const segmentBytesMax = 1024 * 1024

export type SlotWriter = {
  /** Null: no room can be had now. */
  reserve(): JournalSlot | null
  canReserve(): boolean
  /** Bytes that are taken on disk and not written yet. */
  heldBytes(): number
  /** Takes more room, to learn whether the disk gives any again. */
  tryDisk(): Promise<void>
  close(): Promise<void>
}

export type SlotOptions = {
  log: JournalLog
  /** Longest line of a record. */
  recordBytesMax: number
  /** Room of the whole journal, from which the size of a segment follows. */
  bytesMax: number
  clock: Clock
  /** May so many more bytes be taken on disk? */
  hasRoomFor(bytes: number): boolean
  /** A record stands in the log. */
  onWritten(): void
  /** The disk refused room, a record or a sync. */
  onRefused(error: unknown): void
  /** A record was lost, against all that was secured. */
  onLost(error: unknown): void
}

type Current = { readonly file: number; readonly segment: Segment }

/**
 * A reservation is not a place but a quantity: any record may be written where room is left, so that a call that lasts
 * for hours holds up no segment. Held is at all times: the longest records of all reservations fit what is allocated.
 */
export function createSlotWriter(options: SlotOptions): SlotWriter {
  const { log, recordBytesMax, clock } = options
  const segmentBytes = Math.max(recordBytesMax, Math.min(segmentBytesMax, Math.floor(options.bytesMax / 8)))
  const recordsPerSegment = Math.floor(segmentBytes / recordBytesMax)
  const lineRoom = createLineRoom(recordBytesMax)
  const spares: Room[] = []
  const sync = createJournalSync({ folder: dirname(log.pathOf(0)), clock, onFailed: refuse })
  let current: Current | null = null
  let nextNumber = (log.segments.at(-1)?.number ?? 0) + 1
  let reserved = 0
  let isRefused = false
  let isClosed = false
  /** Room that is being taken ahead. */
  let ahead: Promise<void> | null = null

  const bytesLeft = () => (current ? segmentBytes - current.segment.bytes : 0)
  const recordsLeft = () => Math.floor(bytesLeft() / recordBytesMax) + spares.length * recordsPerSegment

  /** False when the disk or the bound of the journal refuses. */
  function allocate(): boolean {
    if (!options.hasRoomFor(segmentBytes)) return false
    try {
      spares.push(takeRoom(sparePath(), segmentBytes))
      return true
    } catch (error) {
      refuse(error)
      return false
    }
  }

  /** Before it is needed, so that no call waits for the disk; small journals have no room to spare. */
  function allocateAhead(): void {
    const isWanted = recordsLeft() - reserved < recordsPerSegment / 2
    if (ahead || isRefused || !isWanted || segmentBytes < segmentBytesMax) return
    if (!options.hasRoomFor(segmentBytes)) return
    ahead = takeRoomAhead(sparePath(), segmentBytes)
      .then((room) => void spares.push(room), refuse)
      .finally(() => {
        ahead = null
      })
  }

  /** The name of no segment: those in their order are given as they are begun. */
  function sparePath(): string {
    return `${log.pathOf(0)}.${randomUUID()}.spare`
  }

  function refuse(error: unknown): void {
    isRefused = true
    options.onRefused(error)
  }

  function beginSegment(): Current {
    finishSegment()
    const spare = spares.shift()
    if (!spare) throw new Error('a reserved record without room')
    const number = nextNumber++
    renameSync(spare.path, log.pathOf(number))
    current = { file: spare.file, segment: { number, bytes: 0, isComplete: false } }
    log.segments.push(current.segment)
    sync.addName()
    return current
  }

  /** Gives back what is left of it. */
  function finishSegment(): void {
    if (!current) return
    ftruncateSync(current.file, current.segment.bytes)
    sync.addLast(current.file)
    current.segment.isComplete = true
    current = null
  }

  function writeBytes(bytes: Buffer): void {
    const target = current && bytesLeft() >= recordBytesMax ? current : beginSegment()
    writeWhole(target.file, bytes, target.segment.bytes)
    target.segment.bytes += bytes.length
    sync.add(target.file)
  }

  function write(record: object): void {
    try {
      if (isClosed) throw new Error('the journal is closed')
      const bytes = writeLineTo(lineRoom, record)
      if (bytes === null) throw new Error('a record is longer than its room')
      try {
        writeBytes(bytes)
      } catch (error) {
        // The disk broke a promise. What it did to this segment is unknown: another may still be good.
        refuse(error)
        beginSegment()
        writeBytes(bytes)
      }
      options.onWritten()
    } catch (error) {
      options.onLost(error)
    }
  }

  function createSlot(): JournalSlot {
    let isOpen = true
    const end = () => {
      const wasOpen = isOpen
      isOpen = false
      return wasOpen
    }
    return {
      write(record) {
        if (!end()) return
        write(record)
        reserved -= 1
      },
      release() {
        if (end()) reserved -= 1
      },
    }
  }

  return {
    reserve() {
      if (isClosed || isRefused) return null
      if (reserved >= recordsLeft() && !allocate()) return null
      reserved += 1
      allocateAhead()
      return createSlot()
    },
    canReserve: () =>
      !isClosed && !isRefused && (reserved < recordsLeft() || options.hasRoomFor(segmentBytes)),
    heldBytes: () => bytesLeft() + (spares.length + (ahead ? 1 : 0)) * segmentBytes,
    async tryDisk() {
      if (!isRefused || isClosed) return
      await sync.now()
      isRefused = false
      // Without a sign of the disk's good will nothing is promised again. A bound that is reached is no ill will.
      if (!allocate() && isRefused) throw new Error('the disk still refuses')
    },
    async close() {
      isClosed = true
      finishSegment()
      await sync.now()
      await ahead
      for (const room of spares.splice(0)) giveBack(room)
    },
  }
}
