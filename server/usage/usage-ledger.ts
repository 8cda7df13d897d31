// The ledger of usage events: room is secured before a call, its event is written as it ends, and read back as lists and sums.
import type { UsageAnswer, UsageEvent, UsageExportQuery, UsageQuery } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import {
  type Database,
  EngineAwayError,
  type Journal,
  type Queryable,
  selectPage,
  withDeadline,
} from '../store/store.ts'
import { eventBytesMax, toRecord } from './event-record.ts'
import {
  type EventRow,
  eventColumns,
  eventConditions,
  exportEvents,
  insertEvents,
  sealPosition,
  sumCost,
  toEvent,
} from './event-rows.ts'
import { createUsageSums, sumDeadlineMs } from './usage-sums.ts'

const journalKind = 'usage'
/** Of 20,000 events a second a quarter of a second's. */
const batchRecordsMax = 5_000
/** Rows are seen this much later, and cost a fraction of the database's time. */
const gatherMs = 100
const insertDeadlineMs = 20_000
/** How long a sum waits for events of this process that are on their way into the ledger. */
const flushLimitMs = 1_000

/** Room on disk for the event of one call. Exactly one of the two is called; what comes after the first changes nothing. */
export type LedgerSlot = {
  /** Synchronous: once it returns, the event survives a killed process. Never throws. */
  write(event: UsageEvent): void
  /** The call was not made: the room is given back. */
  release(): void
}

export type UsageLedger = {
  /** Secures room for one event. Null: there is none (`journal_full`), so the call must not be made. */
  reserve(): LedgerSlot | null
  /** A page of events, newest first, with the totals of all that match. */
  list(query: UsageQuery): Promise<UsageAnswer>
  /** Everything that matches, newest first, in batches: memory stays flat. */
  export(query: UsageExportQuery): AsyncIterable<UsageEvent[]>
  /**
   * Millionths of EUR that the events of one client in `[from, before)` cost, with what this process has written and not
   * yet drained (`before`: now, unless given; it is never in the future). Throws EngineAwayError when it can't be told.
   */
  spentSince(clientId: number, from: Date, before?: Date): Promise<number>
  /**
   * Waits in `tx` for events that are on their way in, and answers the last `seq` given: every event up to it is
   * committed and stays as it is, every later one gets a higher number. Writers wait until `tx` ends: make it short.
   */
  sealPosition(tx: Queryable): Promise<number>
}

export async function createUsageLedger(dependencies: {
  database: Database
  journal: Pick<Journal, 'openSlots' | 'drainInto' | 'flushed'>
  clock: Clock
  logger: Logger
}): Promise<UsageLedger> {
  const { database, journal, clock, logger } = dependencies
  const slots = await journal.openSlots(journalKind, eventBytesMax)
  const addUp = createUsageSums(database, clock)

  const insert = (events: readonly string[]) =>
    database.transaction((tx) => insertEvents(tx, events), { deadlineMs: insertDeadlineMs })

  /** What the database never takes must not hold up what it does: it is looked for by halves, logged and left out. */
  async function drain(records: readonly string[]): Promise<void> {
    try {
      await insert(records)
    } catch (error) {
      if (!isRefusedByContent(error)) throw error
      if (records.length > 1) {
        const middle = records.length >> 1
        await drain(records.slice(0, middle))
        return await drain(records.slice(middle))
      }
      logger.error('a usage event does not fit the ledger', { component: 'usage', error })
    }
  }

  journal.drainInto(journalKind, drain, { batchRecordsMax, gatherMs })

  return {
    reserve() {
      const slot = slots.reserve()
      return slot && { write: (event) => slot.write(toRecord(event)), release: slot.release }
    },

    async list(query) {
      const conditions = eventConditions(query)
      const sums = await addUp(conditions)
      const patient: Database = {
        ...database,
        // What few events of a long time match is found by looking at them all, as the sums are.
        query: (sql, values) => database.query(sql, values, { deadlineMs: sumDeadlineMs }),
      }
      const page = await selectPage<EventRow>(patient, {
        ...{ table: 'usage_events', columns: eventColumns, order: ['created_at', 'id'], conditions },
        ...{ page: query.page, pageSize: query.page_size, total: sums.totals.calls },
      })
      return { ...page, items: page.items.map(toEvent), ...sums }
    },

    export: (query) => exportEvents(database, query),

    async spentSince(clientId, from, before) {
      const now = new Date(clock.now() + 1)
      if (!database.isReachable()) throw new EngineAwayError('database')
      try {
        await withDeadline(clock, flushLimitMs, journal.flushed(journalKind))
      } catch (error) {
        throw new EngineAwayError('database', error)
      }
      return sumCost(database, clientId, [from, before && before < now ? before : now])
    },

    sealPosition,
  }
}

/** SQLSTATE classes of values that a column cannot hold, however often they are sent. */
function isRefusedByContent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('22') || code.startsWith('23')
}
