// Collects which rows were used and has that written down every 5 s, not at each call.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from './store.ts'

const lastUsedPeriodMs = 5000
const rowsPerStatement = 5000
/** While PostgreSQL is away this many wait; a use past that is written with the row's next one. */
const waitingMax = 200_000

/** `touched` is set while the use of the row waits to be written. */
export type UsedRow = { readonly id: number; touched: boolean }

export type LastUsed = {
  touch(row: UsedRow): void
  flush(): Promise<void>
  close(): Promise<void>
}

export function createLastUsed(dependencies: {
  /**
   * Writes the time of use of at most 5,000 rows by one plain UPDATE, which finds them in one order. Should two replicas
   * still wait for each other, the server refuses one, and its rows are written with the next batch.
   */
  write(ids: readonly number[], at: Date): Promise<unknown>
  database: Pick<Database, 'untilBack'>
  component: string
  clock: Clock
  logger: Logger
}): LastUsed {
  const { write, database, component, clock, logger } = dependencies
  let waiting: UsedRow[] = []
  let writing: Promise<void> = Promise.resolve()
  const timer = clock.every(lastUsedPeriodMs, () => void flush())

  function flush(): Promise<void> {
    writing = writing.then(writeAll)
    return writing
  }

  async function writeAll(): Promise<void> {
    const due = waiting
    const at = new Date(clock.now())
    waiting = []
    for (let start = 0; start < due.length; start += rowsPerStatement) {
      const part = due.slice(start, start + rowsPerStatement)
      try {
        await write(
          part.map((row) => row.id),
          at,
        )
      } catch (error) {
        logger.warn('last uses could not be written, they are tried again', {
          component,
          count: part.length,
          error,
        })
        waiting.push(...due.slice(start, start + waitingMax - waiting.length))
        return
      }
      for (const row of part) row.touched = false
    }
  }

  return {
    touch(row) {
      if (row.touched || waiting.length >= waitingMax) return
      row.touched = true
      waiting.push(row)
    },
    flush,
    async close() {
      timer.cancel()
      await flush()
      if (waiting.length === 0) return
      await database.untilBack()
      await flush()
    },
  }
}
