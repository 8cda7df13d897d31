// Peers are measured in turn, A B C A B C, so that what else the machine does falls on all of them; the median counts.

const roundsOfARun = 3

/** The median of each peer by its name, over three rounds. */
export async function takeTurns<Subject extends { name: string }, Figure extends Record<string, number>>(
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Figure>,
): Promise<(subject: string) => Figure> {
  const seen = new Map<string, Figure[]>(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round < roundsOfARun; round++) {
    for (const subject of subjects) seen.get(subject.name)?.push(await measure(subject))
  }
  return (name) => medianOf(seen.get(name) ?? [])
}

/** Each number on its own. */
function medianOf<Figure extends Record<string, number>>(figures: readonly Figure[]): Figure {
  const [first] = figures
  if (!first) throw new Error('nothing was measured')
  const names = Object.keys(first)
  return Object.fromEntries(
    names.map((name) => [name, median(figures.map((figure) => figure[name] ?? Number.NaN))]),
  ) as Figure
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
