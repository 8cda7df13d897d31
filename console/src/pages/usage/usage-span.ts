// The days that the usage page looks at: those that were picked, else the last thirty.

const daysPreset = 30
const dayMs = 86_400_000

export type Span = { from: string; to: string }

/** Of a picked day alone the other end is open or thirty days away; texts that are no days are left for the server to refuse. */
export function spanOf({ from, to }: Span, today: string): Span {
  if (from) return { from, to }
  const last = new Date(`${to || today}T00:00:00Z`)
  if (Number.isNaN(last.getTime())) return { from, to }
  return { from: new Date(last.getTime() - (daysPreset - 1) * dayMs).toISOString().slice(0, 10), to }
}

/** Both ends included; more cannot be told by day. */
const daysMax = 366

export function isTooLongByDay({ from, to }: Span, today: string): boolean {
  return Date.parse(to || today) - Date.parse(from) >= daysMax * dayMs
}
