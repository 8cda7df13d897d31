// Pass-through calls of each day (UTC) for the dashboard: counted here, added to the database every 5 s.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../store/store.ts'

export type DayCounts = { requests: number; allowed: number; intercepted: number }
type Outcome = 'allowed' | 'intercepted' | 'undecided'

const flushPeriodMs = 5000

export function createDailyCounts(dependencies: { database: Database; clock: Clock; logger: Logger }) {
  const { database, clock, logger } = dependencies
  let date = dateOf(clock.now())
  let unwritten: DayCounts = { requests: 0, allowed: 0, intercepted: 0 }
  let writing: Promise<void> = Promise.resolve()
  const timer = clock.every(flushPeriodMs, () => void flush())

  function flush(): Promise<void> {
    writing = writing.then(write)
    return writing
  }

  async function write(): Promise<void> {
    const due = { ...unwritten, date }
    date = dateOf(clock.now())
    if (due.requests === 0) return
    unwritten = { requests: 0, allowed: 0, intercepted: 0 }
    try {
      await database.query(
        `insert into daily_counts as day (date, requests, allowed, intercepted) values ($1, $2, $3, $4)
         on conflict (date) do update set requests = day.requests + excluded.requests,
           allowed = day.allowed + excluded.allowed, intercepted = day.intercepted + excluded.intercepted`,
        [due.date, due.requests, due.allowed, due.intercepted],
      )
    } catch (error) {
      logger.warn('daily counts could not be written, they are tried again', { component: 'bindings', error })
      // Counts of an outage over midnight fall on the day on which they are written.
      unwritten.requests += due.requests
      unwritten.allowed += due.allowed
      unwritten.intercepted += due.intercepted
    }
  }

  return {
    count(outcome: Outcome): void {
      unwritten.requests++
      if (outcome !== 'undecided') unwritten[outcome]++
    },

    /** The last `days` days, oldest first, today included; days without calls are zeros. */
    async trend(days: number): Promise<({ date: string } & DayCounts)[]> {
      await flush()
      const { rows } = await database.query<{ day: string } & DayCounts>(
        `select to_char(day, 'YYYY-MM-DD') as day, coalesce(requests, 0) as requests, coalesce(allowed, 0) as allowed,
           coalesce(intercepted, 0) as intercepted
         from generate_series($1::date - ($2::int - 1), $1::date, interval '1 day') as day
         left join daily_counts on daily_counts.date = day::date order by day`,
        [dateOf(clock.now()), days],
      )
      return rows.map(({ day, ...counts }) => ({ date: day, ...counts }))
    },

    async close(): Promise<void> {
      timer.cancel()
      await flush()
      if (unwritten.requests === 0) return
      await database.untilBack()
      await flush()
    },
  }
}

function dateOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10)
}
