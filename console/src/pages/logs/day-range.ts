// Days as an operator picks them, turned into the moments at which they begin and end where the operator is.

function moment(date: string, time: string): string | undefined {
  if (!date) return undefined
  const at = new Date(`${date}T${time}`)
  // Not a date: the server says so, and the page shows it at the field.
  return Number.isNaN(at.getTime()) ? date : at.toISOString()
}

export const dayStart = (date: string) => moment(date, '00:00:00.000')
export const dayEnd = (date: string) => moment(date, '23:59:59.999')
