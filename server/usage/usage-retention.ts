// Removes usage events past their retention once a day, on one replica.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Jobs } from '../store/store.ts'

const dayMs = 86_400_000
const rowsPerTurn = 5_000

type RetentionDependencies = {
  database: Pick<Database, 'query'>
  config: { retention: { usage_days: number } }
  clock: Clock
  logger: Logger
}

export function scheduleUsageRetention(
  dependencies: RetentionDependencies & { jobs: Pick<Jobs, 'schedule'> },
): Promise<void> {
  return dependencies.jobs.schedule('usage-retention', '40 3 * * *', () => pruneUsage(dependencies))
}

/** In turns, so that no statement holds locks for long. What stands on no invoice yet is kept, however old it is. */
export async function pruneUsage({ database, config, clock, logger }: RetentionDependencies): Promise<void> {
  const floor = await readFloor(database)
  if (!floor) return
  const cutoffMs = clock.now() - config.retention.usage_days * dayMs
  const before = new Date(Math.min(cutoffMs, floor.created_before.getTime()))
  let count = 0
  for (let removed = rowsPerTurn; removed === rowsPerTurn; count += removed) {
    const answer = await database.query(
      `delete from usage_events where id in (
         select id from usage_events where created_at < $1 and seq <= $2 order by created_at limit ${rowsPerTurn})`,
      [before, floor.seq_up_to],
    )
    removed = answer.rowCount
  }
  if (count > 0) logger.info('usage events past their retention were removed', { component: 'usage', count })
}

/** Up to where everything of every client is settled; null before the first invoices. */
async function readFloor(database: Pick<Database, 'query'>) {
  const { rows } = await database.query<{ created_before: Date; seq_up_to: number }>(
    'select created_before, seq_up_to from usage_settled_floor',
  )
  return rows[0] ?? null
}
