// When bindings were last used, written in batches.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createLastUsed, type Database, type LastUsed } from '../store/store.ts'

export function createBindingLastUsed(dependencies: {
  database: Database
  clock: Clock
  logger: Logger
}): LastUsed {
  const { database, clock, logger } = dependencies
  return createLastUsed({
    ...{ database, component: 'bindings', clock, logger },
    write: (ids, at) =>
      database.query(
        `update bindings set last_used_at = $2, first_used_at = coalesce(first_used_at, $2)
         where id = any($1) and last_used_at is distinct from greatest(last_used_at, $2)`,
        [ids, at],
      ),
  })
}
