// Tables of the identity room.
import { integer, pgTable, smallint, text, timestamp } from 'drizzle-orm/pg-core'

/** One row: the admin. */
export const adminAccount = pgTable('admin_account', {
  id: smallint().primaryKey(),
  /** argon2id, PHC string. */
  passwordHash: text('password_hash').notNull(),
  /** Grows with each change of the password; sessions of earlier epochs are void. */
  epoch: integer().notNull().default(1),
  changedAt: timestamp('changed_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
})
