// Tables of the usage room.
import { bigint, index, integer, pgTable, smallint, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const count = (name: string) => bigint(name, { mode: 'number' })
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** The ledger: one row a metered call, never changed (a trigger of its migration holds that), removed by age only. */
export const usageEvents = pgTable(
  'usage_events',
  {
    /** Made before the row reaches the journal: draining a record twice is harmless. Sorts by time. */
    id: uuid().primaryKey(),
    /** Order of arrival here: `sealPosition` tells up to where nothing can be added any more. */
    seq: count('seq').notNull().generatedAlwaysAsIdentity(),
    createdAt: moment('created_at').notNull(),
    clientId: count('client_id').notNull(),
    requestId: text('request_id').notNull(),
    credential: text().notNull(),
    endpoint: text().notNull(),
    provider: text(),
    model: text(),
    method: text().notNull(),
    status: smallint().notNull(),
    durationMs: integer('duration_ms').notNull(),
    bytesIn: count('bytes_in').notNull(),
    bytesOut: count('bytes_out').notNull(),
    tokensIn: count('tokens_in'),
    tokensOut: count('tokens_out'),
    tokensCached: count('tokens_cached'),
    unitPriceMicros: count('unit_price_micros'),
    costMicros: count('cost_micros').notNull(),
    providerCostMicros: count('provider_cost_micros'),
    flags: text().array().notNull(),
  },
  (table) => [
    // `usage_events_client` (client_id, created_at, id) covers endpoint and cost, which the generator cannot be told: see the migration.
    index('usage_events_created_at').on(table.createdAt, table.id),
    // Rows arrive in its order, so it is a few pages whatever the table holds: what came late is found by it.
    index('usage_events_seq').using('brin', table.seq),
  ],
)
