// Prunes the audit log once a day, on one replica, as the configured retention says.
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Jobs } from '../store/store.ts'
import type { AuditLog } from './audit-log.ts'

const dayMs = 86_400_000

export function scheduleAuditRetention(dependencies: {
  jobs: Pick<Jobs, 'schedule'>
  database: Database
  audit: AuditLog
  auditDays: number
  clock: Clock
  logger: Logger
}): Promise<void> {
  return dependencies.jobs.schedule('audit-retention', '25 3 * * *', () => pruneAudit(dependencies))
}

/** A pruning is a change like any other: it is written down, after the fact. */
export async function pruneAudit(dependencies: {
  database: Database
  audit: AuditLog
  auditDays: number
  clock: Clock
  logger: Logger
}): Promise<void> {
  const { database, audit, auditDays, clock, logger } = dependencies
  const cutoff = new Date(clock.now() - auditDays * dayMs)
  const count = await audit.prune(cutoff)
  if (count === 0) return
  await database.transaction((tx) =>
    audit.record(tx, {
      actor: 'retention',
      address: null,
      action: 'audit.pruned',
      target: 'audit',
      before: null,
      after: { rows: count, older_than: cutoff.toISOString() },
    }),
  )
  logger.info('Old audit rows were removed', { component: 'audit', count })
}
