// ISO 8601 weeks as text, such as 2025-W40: the ISO year and the number of the week, 53 only in long years.
import { z } from 'zod'

export type IsoWeek = { year: number; week: number }

/** Weeks of the ISO year: 53 when its January 1 is a Thursday, or a Wednesday in a leap year, else 52. */
export function weeksOfYear(year: number): 52 | 53 {
  const firstDay = new Date(Date.UTC(year, 0, 1)).getUTCDay()
  const isLeap = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1
  return firstDay === 4 || (firstDay === 3 && isLeap) ? 53 : 52
}

/** Null for what is no week of 2000 to 2199. */
export function parseIsoWeek(text: string): IsoWeek | null {
  const [, yearText, weekText] = /^(2[01]\d\d)-W(\d\d)$/.exec(text) ?? []
  const [year, week] = [Number(yearText), Number(weekText)]
  return yearText !== undefined && week >= 1 && week <= weeksOfYear(year) ? { year, week } : null
}

export function formatIsoWeek({ year, week }: IsoWeek): string {
  return `${year}-W${String(week).padStart(2, '0')}`
}

export const isoWeek = z.string().superRefine((text, context) => {
  if (parseIsoWeek(text)) return
  const [, year] = /^(2[01]\d\d)-W\d\d$/.exec(text) ?? []
  const weeks = year === undefined ? '' : `; ${year} has the weeks 01 to ${weeksOfYear(Number(year))}`
  context.addIssue({ code: 'custom', message: `must be an ISO week such as 2025-W40${weeks}` })
})
