// Days and months in the configured zone, as the moments at which they begin and end.
import { DateTime } from '../lib/date-time.ts'

export type PeriodName = 'day' | 'month'

/** `[startMs, endMs)`, milliseconds since 1970. */
export type Period = { name: PeriodName; startMs: number; endMs: number }

/** The day or month that `atMs` falls into. A day in which the clocks change has 23 or 25 hours, and begins when it begins there. */
export type FindPeriod = (name: PeriodName, atMs: number) => Period

export function createFindPeriod(timeZone: string): FindPeriod {
  // Calls come in the order of time, nearly: the last answer is usually the next one.
  const latest = new Map<PeriodName, Period>()
  return (name, atMs) => {
    const known = latest.get(name)
    if (known && atMs >= known.startMs && atMs < known.endMs) return known
    const start = DateTime.fromMillis(atMs, { zone: timeZone }).startOf(name)
    // From a moment well within the next one: where midnight does not exist, adding a day to it would keep its shifted hour.
    const next = start
      .plus({ [name]: 1 })
      .plus({ hours: 3 })
      .startOf(name)
    const period = { name, startMs: start.toMillis(), endMs: next.toMillis() }
    latest.set(name, period)
    return period
  }
}
