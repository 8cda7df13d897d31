// Tables of budgets: who counts together, and which warnings were given.
import { bigint, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** One row for each process that shares the counters; see budget-members.ts. */
export const budgetMembers = pgTable('budget_members', {
  member: uuid().primaryKey(),
  seenAt: moment('seen_at').notNull(),
})

/** A warning is given once for each client and period, whichever process comes first. */
export const budgetWarnings = pgTable(
  'budget_warnings',
  {
    clientId: bigint('client_id', { mode: 'number' }).notNull(),
    period: text({ enum: ['day', 'month'] }).notNull(),
    startsAt: moment('starts_at').notNull(),
    warnedAt: moment('warned_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.clientId, table.period, table.startsAt] })],
)
