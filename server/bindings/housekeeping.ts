// Daily work of the room: idle bindings go to the archive, rows past their retention go for good.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from '../store/store.ts'
import type { BindingChanges } from './binding-changes.ts'

const dayMs = 86_400_000
const rowsPerTurn = 5000

export function createHousekeeping(dependencies: {
  database: Database
  changes: Pick<BindingChanges, 'archive'>
  clock: Clock
  logger: Logger
  retention: Config['retention']
  archiveDays(): number
}) {
  const { database, changes, clock, logger, retention, archiveDays } = dependencies
  const daysAgo = (days: number) => new Date(clock.now() - days * dayMs)

  /** Deletes in turns, so that no statement holds locks for long. */
  async function prune(table: string, key: string, column: string, days: number): Promise<number> {
    let total = 0
    for (;;) {
      const { rowCount } = await database.query(
        `delete from ${table} where ${key} in (select ${key} from ${table} where ${column} < $1 limit ${rowsPerTurn})`,
        [daysAgo(days)],
      )
      total += rowCount
      if (rowCount < rowsPerTurn) return total
    }
  }

  return async (): Promise<void> => {
    const idleSince = daysAgo(archiveDays())
    let archived = 0
    for (let moved = rowsPerTurn; moved === rowsPerTurn; archived += moved) {
      moved = await changes.archive(idleSince, rowsPerTurn)
    }
    const intercepts = await prune('intercepts', 'id', 'created_at', retention.intercepts_days)
    const forgotten = await prune('archived_bindings', 'id', 'archived_at', retention.archived_bindings_days)
    await prune('daily_counts', 'date', 'date', retention.daily_counts_days)
    logger.info('housekeeping done', {
      component: 'bindings',
      detail: `${archived} bindings archived, ${intercepts} intercepts and ${forgotten} archived bindings past retention removed`,
    })
  }
}
