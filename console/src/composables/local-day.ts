// Days and ISO weeks where the operator is, as text.

/** `2026-03-01` */
export function localDay(moment: Date): string {
  const part = (value: number) => String(value).padStart(2, '0')
  return `${moment.getFullYear()}-${part(moment.getMonth() + 1)}-${part(moment.getDate())}`
}

const dayMs = 86_400_000

/** `2026-W09`: of the week before the one that holds the moment. A week belongs to the year of its Thursday. */
export function lastWeek(moment: Date): string {
  const day = new Date(`${localDay(moment)}T00:00:00Z`)
  const thursdayMs = day.getTime() + (4 - (day.getUTCDay() || 7) - 7) * dayMs
  const year = new Date(thursdayMs).getUTCFullYear()
  const week = 1 + Math.floor((thursdayMs - Date.UTC(year, 0, 1)) / (7 * dayMs))
  return `${year}-W${String(week).padStart(2, '0')}`
}
