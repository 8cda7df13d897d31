// The table at the end of a run, and the same as JSON.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'

export type ResultRow = {
  id: string
  figure: string
  goal: string
  measured: string
  /** Null: skipped, or a figure without a goal. */
  met: boolean | null
}

export function atLeast(value: number, goal: number, digits = 2): Omit<ResultRow, 'id' | 'figure'> {
  return { goal: `≥ ${goal}`, measured: value.toFixed(digits), met: value >= goal }
}

export function atMost(
  value: number,
  goal: number,
  unit: string,
  digits = 0,
): Omit<ResultRow, 'id' | 'figure'> {
  return { goal: `≤ ${goal} ${unit}`, measured: `${value.toFixed(digits)} ${unit}`, met: value <= goal }
}

export function printTable(rows: readonly ResultRow[]): void {
  const head = { id: '#', figure: 'figure', goal: 'goal', measured: 'measured' }
  const columns = ['id', 'figure', 'goal', 'measured'] as const
  const widths = columns.map((column) => Math.max(...[head, ...rows].map((row) => row[column].length)))
  const line = (row: typeof head, mark: string) =>
    console.log(
      `${mark} ${columns.map((column, index) => row[column].padEnd(widths[index] ?? 0)).join('  ')}`,
    )
  console.log('')
  line(head, ' ')
  for (const row of rows) line(row, row.met === null ? '-' : row.met ? '✔' : '✖')
}

/** Answers the path of the file. */
export function writeResults(rows: readonly ResultRow[], startedAt: Date): string {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}.json`)
  const machine = { processor: cpus()[0]?.model, cores: availableParallelism(), node: process.version }
  writeFileSync(path, `${JSON.stringify({ started_at: startedAt, machine, rows }, null, 2)}\n`)
  return path
}
