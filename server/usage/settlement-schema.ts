// Tables of the settlement: which usage events stand on an invoice already.
import { sql } from 'drizzle-orm'
import { bigint, check, pgTable, smallint, timestamp } from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Events of a client with `created_at` before and `seq` up to these are settled. Kept when the client is deleted. */
export const usageSettled = pgTable('usage_settled', {
  clientId: bigint('client_id', { mode: 'number' }).primaryKey(),
  createdBefore: moment('created_before').notNull(),
  seqUpTo: bigint('seq_up_to', { mode: 'number' }).notNull(),
})

/** One row: the same for all clients together, so that what was settled long ago is not looked at again. */
export const usageSettledFloor = pgTable(
  'usage_settled_floor',
  {
    id: smallint().primaryKey(),
    createdBefore: moment('created_before').notNull(),
    seqUpTo: bigint('seq_up_to', { mode: 'number' }).notNull(),
  },
  (table) => [check('usage_settled_floor_single', sql`${table.id} = 1`)],
)
