// Tables of the bindings room.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  cidr,
  customType,
  date,
  index,
  inet,
  integer,
  pgSequence,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Every change of a binding takes the next number, so that caches can tell old from new. */
export const bindingVersion = pgSequence('binding_version')

const rule = {
  tokenDisplay: text('token_display').notNull(),
  mode: text({ enum: ['single', 'multiple', 'all'] }).notNull(),
  /** Canonical ranges in the order given; empty for mode `all`. */
  allowedIps: text('allowed_ips').array().notNull(),
  clientId: bigint('client_id', { mode: 'number' }),
  firstUsedAt: moment('first_used_at'),
  lastUsedAt: moment('last_used_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
}

export const bindings = pgTable(
  'bindings',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** HMAC-SHA256 of the canonical token with the pepper. */
    digest: bytea().notNull().unique(),
    ...rule,
    status: text({ enum: ['active', 'banned'] })
      .notNull()
      .default('active'),
    version: bigint({ mode: 'number' }).notNull().default(sql`nextval('binding_version')`),
    /** True from a first use until a second call or an answer other than 401 confirms it. */
    provisional: boolean().notNull().default(false),
  },
  (table) => [
    index('bindings_token_display').on(table.tokenDisplay.op('text_pattern_ops')),
    // Beside the id stands what lists are filtered by (`include` in 0015_wider-lists.sql and 0017_bindings-by-mode.sql, a word that Drizzle lacks).
    index('bindings_list').on(table.id),
    index('bindings_status').on(table.status, table.id, table.mode),
    index('bindings_mode').on(table.mode, table.id),
    // Counted in: few different keys make it a third of the others.
    index('bindings_mode_status').on(table.mode, table.status),
    check('bindings_mode_known', sql`${table.mode} in ('single', 'multiple', 'all')`),
    check('bindings_status_known', sql`${table.status} in ('active', 'banned')`),
  ],
)

/** The ranges of each rule once more, one a row, so that "which rules cover this address" is an index look-up. */
export const bindingRanges = pgTable(
  'binding_ranges',
  {
    bindingId: bigint('binding_id', { mode: 'number' })
      .notNull()
      .references(() => bindings.id, { onDelete: 'cascade' }),
    range: cidr().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.bindingId, table.range] }),
    index('binding_ranges_cover').using('gist', table.range.op('inet_ops')),
  ],
)

/** Bindings that were idle for ARCHIVE_DAYS; their tokens bind anew. */
export const archivedBindings = pgTable(
  'archived_bindings',
  {
    id: bigint({ mode: 'number' }).primaryKey(),
    digest: bytea().notNull(),
    ...rule,
    archivedAt: moment('archived_at').notNull().defaultNow(),
  },
  (table) => [index('archived_bindings_archived_at').on(table.archivedAt)],
)

export const intercepts = pgTable(
  'intercepts',
  {
    /** Made before the row reaches the journal: replaying a record is harmless. */
    id: uuid().primaryKey(),
    tokenDisplay: text('token_display').notNull(),
    clientIp: inet('client_ip').notNull(),
    allowedIps: text('allowed_ips').array().notNull(),
    method: text().notNull(),
    path: text().notNull(),
    reason: text({ enum: ['ip_not_allowed', 'binding_banned'] }).notNull(),
    alerted: boolean().notNull(),
    createdAt: moment('created_at').notNull(),
    requestId: text('request_id').notNull(),
    /** Above 1 when a flood of one token and address was counted in this row. */
    count: integer().notNull().default(1),
  },
  (table) => [
    // With `include` as well: as part of the key the address is searched for at each step, and takes twice the time.
    index('intercepts_created_at').on(table.createdAt, table.id),
    index('intercepts_token_display').on(
      table.tokenDisplay.op('text_pattern_ops'),
      table.createdAt,
      table.id,
    ),
    index('intercepts_client_ip').on(table.clientIp),
    // Counted in.
    index('intercepts_reason').on(table.reason),
  ],
)

/** Pass-through calls a day (UTC), for the dashboard. */
export const dailyCounts = pgTable('daily_counts', {
  date: date().primaryKey(),
  requests: bigint({ mode: 'number' }).notNull(),
  allowed: bigint({ mode: 'number' }).notNull(),
  intercepted: bigint({ mode: 'number' }).notNull(),
})
