// Queued work in archives: taken from the queues when one is written, put into the queues of the new place at its first start.
import type { Database, Queryable } from './store.ts'

/** The table that holds it in between. */
export const importedJobsTable = 'imported_jobs'
/** Work older than this is left out, as the queues themselves would do: a backup must not mail what was owed long ago. */
export const queuedDaysMax = 3

const rowsPerTurn = 500
const turnLimitMs = 30_000

/**
 * What waits in the queues of pg-boss (its schema is `jobs`), with what an import left waiting before. Scheduled work is
 * left out: each start schedules it anew.
 */
export const waitingJobsSql = `
  select id, name as queue, coalesce(singleton_key, id::text) as key, data::text as data, created_on as created_at
  from jobs.job
  where state < 'completed' and data is not null and not starts_with(name, '__pgboss__')
    and not exists (select from jobs.schedule where schedule.name = job.name)
  union all
  select id, queue, key, data, created_at from ${importedJobsTable}`

type ImportedJob = { queue: string; key: string; data: string; created_at: Date }

/** Moves what an import brought into the queues named; in turns, each all or nothing. Answers how many were too old or of no queue. */
export async function queueImportedJobs(options: {
  database: Database
  queues: ReadonlySet<string>
  since: Date
  send(tx: Queryable, job: { queue: string; key: string; data: object }): Promise<unknown>
}): Promise<number> {
  const { database, queues, since, send } = options
  let dropped = 0
  for (;;) {
    const taken = await database.transaction(
      async (tx) => {
        const { rows } = await tx.query<ImportedJob>(
          `delete from ${importedJobsTable} where id in (
             select id from ${importedJobsTable} order by created_at limit ${rowsPerTurn} for update skip locked)
           returning queue, key, data, created_at`,
        )
        const wanted = rows.filter((row) => queues.has(row.queue) && row.created_at >= since)
        for (const { queue, key, data } of wanted) await send(tx, { queue, key, data: JSON.parse(data) })
        return { rows: rows.length, dropped: rows.length - wanted.length }
      },
      { deadlineMs: turnLimitMs },
    )
    if (taken.rows === 0) return dropped
    dropped += taken.dropped
  }
}
