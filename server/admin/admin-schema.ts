// Tables of the admin room: live settings and the audit chain.
import { bigint, customType, index, pgTable, smallint, text, timestamp } from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** Settings changed live; they win over the environment. `value` is JSON text. */
export const settings = pgTable('settings', {
  key: text().primaryKey(),
  value: text().notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
})

/** Every admin change. `mac` = HMAC over the previous row's `mac` and this row, so a removed or altered row shows. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint({ mode: 'number' }).primaryKey(),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull(),
    actor: text().notNull(),
    address: text(),
    action: text().notNull(),
    target: text(),
    /** JSON text exactly as it was signed. */
    before: text().notNull(),
    after: text().notNull(),
    mac: bytea().notNull(),
  },
  (table) => [index('audit_log_action').on(table.action, table.id)],
)

/** One row: both ends of the chain, signed, so that rows cut off at either end show as well. */
export const auditHead = pgTable('audit_head', {
  id: smallint().primaryKey(),
  /** Last row pruned by retention, and its mac: the chain starts after it. */
  prunedId: bigint('pruned_id', { mode: 'number' }).notNull(),
  prunedMac: bytea('pruned_mac').notNull(),
  lastId: bigint('last_id', { mode: 'number' }).notNull(),
  lastMac: bytea('last_mac').notNull(),
  mac: bytea().notNull(),
})
