// The Monday job: looks each quarter of an hour whether a week is due that was not run, also after a time of standstill.
import { formatIsoWeek, type IsoWeek, parseIsoWeek } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Jobs } from '../store/store.ts'
import type { InvoiceRun } from './invoice-run.ts'
import { latestDueWeek, weekAfter } from './week.ts'

/** After a longer standstill the weeks before are billed together, with the first that is run. */
const weeksCaughtUpMax = 60

export type JobDependencies = {
  jobs: Pick<Jobs, 'schedule'>
  database: Database
  run: Pick<InvoiceRun, 'issue'>
  timeZone: string
  clock: Clock
  logger: Logger
}

export function scheduleInvoices(dependencies: JobDependencies): Promise<void> {
  return dependencies.jobs.schedule('invoices', '*/15 * * * *', () => runDueWeeks(dependencies))
}

/** Idempotent, and safe on several replicas at once: a run issues what is missing only. */
export async function runDueWeeks(dependencies: JobDependencies): Promise<void> {
  const { database, run, timeZone, clock, logger } = dependencies
  const due = latestDueWeek(clock.now(), timeZone)
  for (const week of await listMissing(database, due)) {
    const text = formatIsoWeek(week)
    const count = await run.issue({ week, allowOpen: false }, async (tx) => {
      await tx.query('insert into billing_runs (week, finished_at) values ($1, $2) on conflict do nothing', [
        text,
        new Date(clock.now()),
      ])
    })
    logger.info('the invoices of a week were issued', { component: 'billing', detail: text, count })
  }
}

/** Weeks after the last one that was run, up to `due`; only `due` when none ever was. */
async function listMissing(database: Database, due: IsoWeek): Promise<IsoWeek[]> {
  const { rows } = await database.query<{ week: string | null }>('select max(week) as week from billing_runs')
  const last = rows[0]?.week
  const ran = last ? parseIsoWeek(last) : null
  if (!ran) return [due]
  const missing: IsoWeek[] = []
  const end = formatIsoWeek(due)
  for (let week = weekAfter(ran); formatIsoWeek(week) <= end; week = weekAfter(week)) missing.push(week)
  return missing.slice(-weeksCaughtUpMax)
}
