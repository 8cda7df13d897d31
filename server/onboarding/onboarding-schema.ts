// Tables of the onboarding room.
import { bigint, pgTable, smallint, text, timestamp } from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** How far an end user is. Goes with its client, by the hook for deleted clients. */
export const onboardingSessions = pgTable('onboarding_sessions', {
  clientId: bigint('client_id', { mode: 'number' }).primaryKey(),
  currentStep: smallint('current_step').notNull().default(1),
  /** JSON text: state, time and data of each step that was completed or skipped, by its number. */
  steps: text().notNull().default('{}'),
  startedAt: moment('started_at').notNull(),
  completedAt: moment('completed_at'),
})
