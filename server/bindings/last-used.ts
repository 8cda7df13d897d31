// Collects when bindings were last used and writes that down every 5 s, not at each call.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../store/store.ts'
import type { KnownBinding } from './decision-cache.ts'

export const lastUsedPeriodMs = 5000
const rowsPerStatement = 5000
/** While PostgreSQL is away this many wait; a use past that is written with the binding's next one. */
const waitingMax = 200_000

export function createLastUsed(dependencies: { database: Database; clock: Clock; logger: Logger }) {
  const { database, clock, logger } = dependencies
  let waiting: KnownBinding[] = []
  let writing: Promise<void> = Promise.resolve()
  const timer = clock.every(lastUsedPeriodMs, () => void flush())

  function flush(): Promise<void> {
    writing = writing.then(write)
    return writing
  }

  async function write(): Promise<void> {
    const due = waiting
    const at = new Date(clock.now())
    waiting = []
    for (let start = 0; start < due.length; start += rowsPerStatement) {
      const part = due.slice(start, start + rowsPerStatement)
      try {
        // Locked in one order, so that two replicas never wait for each other.
        await database.query(
          `with due as (select id from bindings where id = any($1) order by id for no key update)
           update bindings set last_used_at = $2, first_used_at = coalesce(first_used_at, $2)
           from due where bindings.id = due.id and bindings.last_used_at is distinct from greatest(bindings.last_used_at, $2)`,
          [part.map((known) => known.id), at],
        )
      } catch (error) {
        logger.warn('last uses could not be written, they are tried again', {
          component: 'bindings',
          count: part.length,
          error,
        })
        waiting.push(...due.slice(start, start + waitingMax - waiting.length))
        return
      }
      for (const known of part) known.touched = false
    }
  }

  return {
    touch(known: KnownBinding): void {
      if (known.touched || waiting.length >= waitingMax) return
      known.touched = true
      waiting.push(known)
    },
    flush,
    async close(): Promise<void> {
      timer.cancel()
      await flush()
    },
  }
}
