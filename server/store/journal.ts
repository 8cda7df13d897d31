// Records that must outlive a killed process and an absent database: synced to disk first, drained into the database after.
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@sallyport/contract'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { withDeadline } from './deadline.ts'
import { createDrain, type Drain } from './journal-drain.ts'
import { type JournalLog, openJournalLog } from './journal-log.ts'
import { adoptOrphans, lockName, type Orphan } from './journal-orphans.ts'
import { writeLine } from './journal-segment.ts'
import { createSlotWriter } from './journal-slots.ts'
import { createJournalWriter, type JournalWriter } from './journal-writer.ts'
import { acquireProcessLock } from './process-lock.ts'
import type { DrainSettings, DrainWork, Journal, JournalSlots } from './store.ts'

const adoptPeriodMs = 10_000
const trialPeriodMs = 1_000
/** How long a stop waits for the database to take what is left; the rest stays on disk for the next process. */
const closeLimitMs = 3_000

export type OpenJournal = Journal & {
  /** Starts the registered drains, those of earlier processes first. */
  start(): Promise<void>
  close(): Promise<void>
}

type Channel = {
  log: JournalLog
  drain: Drain
  /** Null: the records of this kind are written into slots. */
  append: JournalWriter['append'] | null
  writer: Pick<JournalWriter, 'tryDisk' | 'close'> & {
    /** Would it take a record now? */
    canReserve(): boolean
    /** Bytes taken on disk beside those of the log. */
    heldBytes(): number
  }
}

export type JournalOptions = {
  /** Parent of every process's own folder. */
  root: string
  bytesMax: number
  clock: Clock
  logger: Logger
}

export function openJournal({ root, bytesMax, clock, logger }: JournalOptions): OpenJournal {
  const name = randomUUID()
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = acquireProcessLock(join(folder, lockName), clock)
  const channels = new Map<string, Promise<Channel>>()
  const drains = new Map<string, { work: DrainWork; settings: DrainSettings | undefined }>()
  const orphans = new Set<Orphan>()
  const timers: Timer[] = []
  const channelsOpen: Channel[] = []
  let bytesOnTheWay = 0
  let started = false
  /** Until then nobody knows what earlier processes left. */
  const begun = Promise.withResolvers<void>()
  let closed = false
  let isDiskRefusing = false

  function openChannel(kind: string): Promise<Channel> {
    const opened = channels.get(kind) ?? createChannel(kind)
    channels.set(kind, opened)
    return opened
  }

  async function createChannel(kind: string): Promise<Channel> {
    const log = await openJournalLog(folder, kind)
    const drain = createDrain({ kind, log, clock, logger })
    const writer = createJournalWriter(log, drain.wake)
    const channel = {
      log,
      drain,
      append: writer.append,
      writer: { ...writer, canReserve: () => true, heldBytes: () => 0 },
    }
    channelsOpen.push(channel)
    return channel
  }

  async function openSlots(kind: string, recordBytesMax: number): Promise<JournalSlots> {
    if (channels.has(kind)) throw new Error(`the records of ${kind} are written otherwise already`)
    const opened = Promise.withResolvers<Channel>()
    channels.set(kind, opened.promise)
    const log = await openJournalLog(folder, kind)
    const drain = createDrain({ kind, log, clock, logger })
    const writer = createSlotWriter({
      ...{ log, recordBytesMax, bytesMax, clock },
      hasRoomFor: (bytes) => waitingBytes() + bytes <= bytesMax,
      onWritten: drain.appended,
      onRefused: refuse,
      onLost: (error) => logger.error('a record was lost', { component: 'journal', detail: kind, error }),
    })
    const channel = { log, drain, append: null, writer }
    channelsOpen.push(channel)
    opened.resolve(channel)
    return writer
  }

  async function startDrain(kind: string): Promise<void> {
    const registered = drains.get(kind)
    const { drain } = await openChannel(kind)
    if (registered) drain.start(registered.work, registered.settings)
  }

  function waitingBytes(): number {
    const adopted = [...orphans].flatMap((orphan) => [...orphan.logs.values()])
    const logs = [...channelsOpen.map((channel) => channel.log), ...adopted]
    const held = channelsOpen.reduce((sum, { writer }) => sum + writer.heldBytes(), bytesOnTheWay)
    return logs.reduce((sum, log) => sum + log.waitingBytes(), held)
  }

  function isUsable(): boolean {
    const hasRoom = waitingBytes() < bytesMax && channelsOpen.every(({ writer }) => writer.canReserve())
    return !isDiskRefusing && !closed && hasRoom
  }

  function waitingRecords(): number {
    return channelsOpen.reduce((sum, { drain }) => sum + drain.waitingRecords(), 0)
  }

  async function append(kind: string, record: object): Promise<void> {
    const line = writeLine(record)
    const bytes = Buffer.byteLength(line)
    if (closed) throw noRoom('it is closed')
    if (waitingBytes() + bytes > bytesMax) throw noRoom('it is full')
    bytesOnTheWay += bytes
    try {
      await write(await openChannel(kind), line)
      isDiskRefusing = false
    } catch (error) {
      refuse(error)
      throw noRoom('the disk refuses it', error)
    } finally {
      bytesOnTheWay -= bytes
    }
  }

  async function write({ append, drain }: Channel, line: string): Promise<void> {
    if (!append) throw new Error('records of this kind are written into slots')
    drain.expect()
    try {
      await append(line)
      drain.arrived(true)
    } catch (error) {
      drain.arrived(false)
      throw error
    }
  }

  function refuse(error: unknown): void {
    if (!isDiskRefusing) logger.error('the journal cannot be written', { component: 'journal', error })
    isDiskRefusing = true
  }

  /** Nobody may append while we say that we are not usable, so we have to find out ourselves when that is over. */
  async function tryDisk(): Promise<void> {
    if (!isDiskRefusing || closed) return
    try {
      for (const channel of channels.values()) await (await channel).writer.tryDisk()
      isDiskRefusing = false
      logger.info('the journal can be written again', { component: 'journal' })
    } catch {
      // Still refused; the next trial comes by itself.
    }
  }

  async function adopt(): Promise<void> {
    for (const orphan of await adoptOrphans(root, name, clock)) {
      orphans.add(orphan)
      logger.info('adopted the journal of a process that is gone', { component: 'journal' })
      for (const [kind, log] of orphan.logs) {
        const { drain } = await openChannel(kind)
        drain.takeOver(log)
      }
      void removeWhenDrained(orphan)
    }
  }

  async function removeWhenDrained(orphan: Orphan): Promise<void> {
    try {
      for (const [kind, log] of orphan.logs) await (await openChannel(kind)).drain.finished(log)
      await orphan.remove()
      orphans.delete(orphan)
    } catch (error) {
      logger.error('an adopted journal cannot be removed', { component: 'journal', error })
    }
  }

  function adoptQuietly(): Promise<void> {
    return adopt().catch((error: unknown) => {
      logger.error('journals of earlier processes cannot be read', { component: 'journal', error })
    })
  }

  async function flushed(kind?: string): Promise<void> {
    await begun.promise
    for (const one of kind === undefined ? drains.keys() : [kind])
      await (await openChannel(one)).drain.flushed()
  }

  async function close(): Promise<void> {
    for (const timer of timers) timer.cancel()
    if (started) await withDeadline(clock, closeLimitMs, flushed()).catch(() => undefined)
    closed = true
    await Promise.allSettled(channels.values())
    for (const { writer, drain } of channelsOpen) {
      await writer.close()
      await drain.close()
    }
    for (const orphan of orphans) await orphan.release()
    if (waitingRecords() > 0) return lock.abandon()
    rmSync(folder, { recursive: true, force: true })
    lock.release()
  }

  return {
    append,
    openSlots,
    drainInto(kind, work, settings) {
      drains.set(kind, { work, settings })
      if (started) void startDrain(kind)
    },
    flushed,
    state: () => ({
      usable: isUsable(),
      waitingRecords: waitingRecords(),
      bytes: waitingBytes(),
    }),
    async start() {
      started = true
      await adoptQuietly()
      for (const kind of drains.keys()) await startDrain(kind)
      begun.resolve()
      timers.push(clock.every(adoptPeriodMs, () => void adoptQuietly()))
      timers.push(clock.every(trialPeriodMs, () => void tryDisk()))
    },
    close,
  }
}

function noRoom(reason: string, cause?: unknown): AppError {
  return new AppError('database_unavailable', { detail: `the journal has no room: ${reason}`, cause })
}
