// Calls and cost by day of the configured zone, for charts: a day without calls is there too.
import { AppError, type UsageDaysAnswer, type UsageDaysQuery } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { DateTime } from '../lib/date-time.ts'
import type { Database } from '../store/store.ts'
import { eventConditions } from './event-rows.ts'
import { createRememberedSums } from './remembered-sums.ts'
import { sumDeadlineMs } from './usage-sums.ts'

const daysPreset = 30
const daysMax = 366

/** Throws AppError `malformed_request` for days that are no span, or a span of more than a year. */
export type UsageDays = (query: UsageDaysQuery) => Promise<UsageDaysAnswer>

type Day = UsageDaysAnswer['days'][number]
type Filter = Omit<UsageDaysQuery, 'from' | 'to'>
type SumRow = { position: number; calls: number; cost_micros: number }

export function createUsageDays(dependencies: {
  database: Pick<Database, 'query'>
  timeZone: string
  clock: Clock
}): UsageDays {
  const { database, timeZone, clock } = dependencies
  const remembered = createRememberedSums<Day[]>(clock, (days) =>
    days.reduce((calls, day) => calls + day.calls, 0),
  )

  /** The beginning of each day is told to the database: its own tables of time zones may be of another year. */
  async function addUp(filter: Filter, days: readonly DateTime[], end: DateTime): Promise<Day[]> {
    const [first] = days
    const from = first?.toUTC().toISO() ?? undefined
    const { where, values } = eventConditions({ ...filter, from, to: end.toUTC().toISO() ?? undefined })
    const starts = days.map((day) => day.toJSDate())
    const { rows } = await database.query<SumRow>(
      `select width_bucket(created_at, $${values.length + 1}::timestamptz[]) as position,
         count(*) as calls, sum(cost_micros)::bigint as cost_micros
       from usage_events ${where} group by position`,
      [...values, starts],
      { deadlineMs: sumDeadlineMs },
    )
    const sums = new Map(rows.map((row) => [row.position, row]))
    return days.map((day, index) => {
      const { calls = 0, cost_micros = 0 } = sums.get(index + 1) ?? {}
      return { date: day.toISODate() ?? '', calls, cost_micros }
    })
  }

  return async ({ from, to, ...filter }) => {
    const today = DateTime.fromMillis(clock.now(), { zone: timeZone }).startOf('day')
    const last = to === undefined ? today : readDay(to, timeZone)
    const first = from === undefined ? last.minus({ days: daysPreset - 1 }) : readDay(from, timeZone)
    const days = listDays(first.startOf('day'), last)
    const { client_id, endpoint, provider, model, outcome } = filter
    const key = JSON.stringify([
      ...[client_id, endpoint, provider, model, outcome],
      ...[first.toISODate(), last.toISODate()],
    ])
    const end = nextDay(last)
    return { time_zone: timeZone, days: await remembered(key, () => addUp(filter, days, end)) }
  }
}

function readDay(date: string, zone: string): DateTime {
  return DateTime.fromISO(date, { zone }).startOf('day')
}

/** Where midnight does not exist, a day begins later. */
function nextDay(day: DateTime): DateTime {
  return day.plus({ days: 1 }).startOf('day')
}

function listDays(first: DateTime, last: DateTime): DateTime[] {
  if (first > last) {
    throw new AppError('malformed_request', {
      message: `from: ${first.toISODate()} is later than to: ${last.toISODate()}.`,
    })
  }
  const days: DateTime[] = []
  for (let day = first; day <= last; day = nextDay(day)) {
    days.push(day)
    if (days.length > daysMax) {
      throw new AppError('malformed_request', { message: `from: is more than ${daysMax} days before to.` })
    }
  }
  return days
}
