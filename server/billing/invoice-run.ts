// The run of a week: each client that used something gets one invoice, whoever runs it and how often.
import { AppError, formatIsoWeek, type InvoiceItem, type IsoWeek } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Database, Queryable } from '../store/store.ts'
import { type IssueDependencies, issueInvoices } from './invoice-issue.ts'
import { type InvoiceRow, invoiceColumns, withLines } from './invoice-rows.ts'
import { lockNumbers } from './number-lock.ts'
import { boundsOf } from './week.ts'

/** Ten million events take a good part of a minute. */
const runDeadlineMs = 600_000
const rowsPerRead = 500

export type RunDependencies = IssueDependencies & {
  database: Database
  clock: Clock
  usage: {
    /** Last position of the ledger up to which nothing can come in any more. */
    sealPosition(tx: Queryable): Promise<number>
    take(tx: Queryable, request: { before: Date; seqUpTo: number }): Promise<void>
  }
  isMailConfigured(): boolean
  /** Has the new invoices of a week mailed, once `tx` is committed. */
  enqueueMailing(tx: Queryable, week: string): Promise<void>
}

export type RunRequest = { week: IsoWeek; allowOpen: boolean }

export type InvoiceRun = {
  /** Issues what is missing and answers how many there were. `record` writes into the same transaction. */
  issue(request: RunRequest, record: (tx: Queryable, count: number) => Promise<void>): Promise<number>
  /** Every invoice of the week as it would be after a run; nothing is written. */
  preview(request: RunRequest): Promise<InvoiceItem[]>
  /** Every invoice of the week, without credit notes. */
  list(week: IsoWeek): Promise<InvoiceItem[]>
}

class Undone extends Error {
  readonly invoices: InvoiceItem[]
  constructor(invoices: InvoiceItem[]) {
    super('a dry run is undone')
    this.invoices = invoices
  }
}

export function createInvoiceRun(dependencies: RunDependencies): InvoiceRun {
  const { database, usage } = dependencies
  let last: Promise<unknown> = Promise.resolve()

  /** One at a time in this process: those that wait must not hold connections. */
  function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  function run<Value>(
    request: RunRequest,
    finish: (tx: Queryable, count: number) => Promise<Value>,
  ): Promise<Value> {
    const { week } = request
    const bounds = checkWeek(dependencies, request)
    return inTurn(() =>
      database.transaction(
        async (tx) => {
          await lockNumbers(tx)
          // On a connection of its own, and after the lock: positions must grow in the order of the runs.
          const seqUpTo = await database.transaction(usage.sealPosition)
          await usage.take(tx, { before: bounds.end, seqUpTo })
          const isMailed = dependencies.isMailConfigured()
          const nowMs = dependencies.clock.now()
          const count = await issueInvoices(dependencies, tx, { week, nowMs, isFinal: false, isMailed })
          return await finish(tx, count)
        },
        { deadlineMs: runDeadlineMs },
      ),
    )
  }

  return {
    issue: (request, record) =>
      run(request, async (tx, count) => {
        if (count > 0 && dependencies.isMailConfigured()) {
          await dependencies.enqueueMailing(tx, formatIsoWeek(request.week))
        }
        await record(tx, count)
        return count
      }),
    async preview(request) {
      try {
        return await run(request, async (tx) => {
          throw new Undone(await listWeek(tx, request.week))
        })
      } catch (error) {
        if (error instanceof Undone) return error.invoices
        throw error
      }
    },
    list: (week) => listWeek(database, week),
  }
}

/** Throws AppError `week_open`, or `malformed_request` for a week that has not begun. */
function checkWeek({ billing, clock }: RunDependencies, { week, allowOpen }: RunRequest) {
  const bounds = boundsOf(week, billing.time_zone)
  const nowMs = clock.now()
  if (nowMs < bounds.start.getTime()) {
    throw new AppError('malformed_request', { message: `week: ${formatIsoWeek(week)} has not begun yet.` })
  }
  if (nowMs < bounds.end.getTime() && !allowOpen) throw new AppError('week_open')
  return bounds
}

async function listWeek(queryable: Queryable, week: IsoWeek): Promise<InvoiceItem[]> {
  const items: InvoiceItem[] = []
  for (let lastId = 0; ; ) {
    const { rows } = await queryable.query<InvoiceRow>(
      `select ${invoiceColumns} from invoices where week = $1 and kind = 'invoice' and id > $2
       order by id limit ${rowsPerRead}`,
      [formatIsoWeek(week), lastId],
    )
    items.push(...(await withLines(queryable, rows)))
    lastId = rows.at(-1)?.id ?? 0
    if (rows.length < rowsPerRead) return items
  }
}
