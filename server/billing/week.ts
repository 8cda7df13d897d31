// ISO weeks in the configured zone: when they begin and end, and which one is due for its invoices.
import type { IsoWeek } from '@sallyport/contract'
import { DateTime } from '../lib/date-time.ts'

/** Hour of Monday at which the invoices of the week before are due. */
const dueHour = 6

/** `end` is the start of the next week; days of a week may have 23 or 25 hours. */
export function boundsOf(week: IsoWeek, zone: string): { start: Date; end: Date } {
  const start = mondayOf(week, zone)
  return { start: start.toJSDate(), end: start.plus({ weeks: 1 }).startOf('day').toJSDate() }
}

/** First and last day of the week as `2025-09-29`. */
export function daysOf(week: IsoWeek): { from: string; to: string } {
  const monday = mondayOf(week, 'UTC')
  return { from: dayOf(monday), to: dayOf(monday.plus({ days: 6 })) }
}

export function weekAt(nowMs: number, zone: string): IsoWeek {
  return weekOf(DateTime.fromMillis(nowMs, { zone }))
}

/** The day at `nowMs`, so many days later; or so many days after the end of its month. */
export function dayAfter(
  nowMs: number,
  zone: string,
  wait: { days: number; fromEndOfMonth: boolean },
): string {
  const now = DateTime.fromMillis(nowMs, { zone })
  return dayOf((wait.fromEndOfMonth ? now.endOf('month') : now).plus({ days: wait.days }))
}

/** The latest week whose invoices are due: its following Monday 06:00 has come. */
export function latestDueWeek(nowMs: number, zone: string): IsoWeek {
  const now = DateTime.fromMillis(nowMs, { zone })
  const dueThisWeek = now.startOf('week').set({ hour: dueHour })
  return weekOf(now.minus({ weeks: now < dueThisWeek ? 2 : 1 }))
}

export function weekAfter(week: IsoWeek): IsoWeek {
  return weekOf(mondayOf(week, 'UTC').plus({ weeks: 1 }))
}

function mondayOf({ year, week }: IsoWeek, zone: string): DateTime {
  return DateTime.fromObject({ weekYear: year, weekNumber: week, weekday: 1 }, { zone }).startOf('day')
}

function weekOf(moment: DateTime): IsoWeek {
  return { year: moment.weekYear, week: moment.weekNumber }
}

function dayOf(moment: DateTime): string {
  return moment.toFormat('yyyy-MM-dd')
}
