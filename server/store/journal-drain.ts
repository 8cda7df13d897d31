// Carries the records of one kind from the journal into the database, in order and at least once.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { JournalLog } from './journal-log.ts'
import type { DrainSettings, DrainWork } from './store.ts'

const standardBatchRecordsMax = 1_000
const pauseMinMs = 250
const pauseMaxMs = 5_000

export type Drain = {
  start(work: DrainWork, options?: DrainSettings): void
  /** Something was written. */
  wake(): void
  /** A record is on its way into the log. */
  expect(): void
  /** It was written, or will not come after all. */
  arrived(isWritten: boolean): void
  /** A record that nobody expected was written. */
  appended(): void
  /** Drains the log of an earlier process before what comes next from our own. */
  takeOver(log: JournalLog): void
  /** Resolves when a log that was taken over is empty. */
  finished(log: JournalLog): Promise<void>
  /** Resolves when everything expected so far, and every log taken over, has been drained. */
  flushed(): Promise<void>
  /** Records of our own that were not drained yet. */
  waitingRecords(): number
  /** Ends after the batch in work. */
  close(): Promise<void>
}

export type DrainOptions = {
  kind: string
  log: JournalLog
  clock: Clock
  logger: Logger
}

export function createDrain({ kind, log, clock, logger }: DrainOptions): Drain {
  const earlier: JournalLog[] = []
  const waiters = new Set<{ isMet: () => boolean; resolve: () => void }>()
  let onTheWay = 0
  let written = 0
  let settled = 0
  let loop: Promise<void> | null = null
  let closed = false
  let hasNews = false
  let endSleep: (() => void) | null = null
  let sleepingFor: 'news' | 'more' | 'retry' | null = null

  async function run(work: DrainWork, settings: DrainSettings): Promise<void> {
    const { batchRecordsMax = standardBatchRecordsMax, gatherMs = 0 } = settings
    let pauseMs = pauseMinMs
    while (!closed) {
      try {
        hasNews = false
        const records = await drainOne(work, batchRecordsMax)
        if (records === null && !hasNews) await sleep('news', null)
        if (gatherMs > 0 && (records ?? 0) < batchRecordsMax && waiters.size === 0)
          await sleep('more', gatherMs)
        pauseMs = pauseMinMs
      } catch (error) {
        logger.warn('journal records wait for the database', { component: 'journal', detail: kind, error })
        await sleep('retry', pauseMs)
        pauseMs = Math.min(pauseMs * 2, pauseMaxMs)
      }
    }
  }

  /** How many records were drained; null when there was nothing to do. */
  async function drainOne(work: DrainWork, recordsMax: number): Promise<number | null> {
    const source = earlier[0] ?? log
    const writtenBefore = written
    const batch = await source.readBatch(recordsMax)
    if (!batch) {
      if (source !== log) earlier.shift()
      // Also right after damage, when fewer records came out than were written.
      else settled = Math.max(settled, writtenBefore)
      meetWaiters()
      return source === log ? null : recordsMax
    }
    if (batch.brokenLines > 0) {
      logger.error('damaged lines of the journal were left out', {
        component: 'journal',
        detail: kind,
        count: batch.brokenLines,
      })
    }
    if (batch.texts.length > 0) await work(batch.texts)
    await source.advance(batch)
    if (source === log) settled += batch.texts.length
    meetWaiters()
    return batch.texts.length
  }

  /** For `limitMs`, or until what it waits for. Ends at once when the drain is closed. */
  function sleep(purpose: 'news' | 'more' | 'retry', limitMs: number | null): Promise<void> {
    if (closed) return Promise.resolve()
    sleepingFor = purpose
    return new Promise((resolve) => {
      const timer: Timer | null = limitMs === null ? null : clock.after(limitMs, () => endSleep?.())
      endSleep = () => {
        timer?.cancel()
        endSleep = null
        sleepingFor = null
        resolve()
      }
    })
  }

  function wake(): void {
    hasNews = true
    if (sleepingFor === 'news') endSleep?.()
  }

  function meetWaiters(): void {
    for (const waiter of waiters) {
      if (!waiter.isMet()) continue
      waiters.delete(waiter)
      waiter.resolve()
    }
  }

  function waitFor(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    // Somebody waits: no time to gather more.
    if (sleepingFor === 'more') endSleep?.()
    return new Promise((resolve) => waiters.add({ isMet, resolve }))
  }

  return {
    start(work, settings = {}) {
      loop ??= run(work, settings)
    },
    wake,
    expect() {
      onTheWay += 1
    },
    arrived(isWritten) {
      onTheWay -= 1
      if (isWritten) written += 1
      meetWaiters()
    },
    appended() {
      written += 1
      wake()
    },
    takeOver(earlierLog) {
      earlier.push(earlierLog)
      wake()
    },
    finished: (earlierLog) => waitFor(() => !earlier.includes(earlierLog)),
    flushed() {
      const target = written + onTheWay
      return waitFor(() => earlier.length === 0 && settled >= Math.min(target, written + onTheWay))
    },
    waitingRecords: () => written + onTheWay - settled,
    async close() {
      closed = true
      endSleep?.()
      await loop
      await log.close()
    },
  }
}
