// Days as an operator picks them, turned into the moments at which they begin and end where the operator is.

function midnight(date: string, daysLater: number): string | undefined {
  if (!date) return undefined
  const moment = new Date(`${date}T00:00:00`)
  // Not a date: the server says so, and the page shows it at the field.
  if (Number.isNaN(moment.getTime())) return date
  moment.setDate(moment.getDate() + daysLater)
  return moment.toISOString()
}

export const dayStart = (date: string) => midnight(date, 0)
/** The first moment after the day: the server takes the end of a span as outside of it. */
export const dayEnd = (date: string) => midnight(date, 1)
