// Tables of the providers room.
import { bigint, index, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

/** Calls that devices started at VAPI: who may stop which, and where. Rows past their retention are removed. */
export const vapiCalls = pgTable(
  'vapi_calls',
  {
    callId: text('call_id').primaryKey(),
    clientId: bigint('client_id', { mode: 'number' }).notNull(),
    devicePk: bigint('device_pk', { mode: 'number' }).notNull(),
    /** From the start answer; null when it had none. */
    controlUrl: text('control_url'),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [
    index('vapi_calls_created_at').on(table.createdAt),
    index('vapi_calls_device').on(table.devicePk),
  ],
)
