// Tables of the video room; frames are never written down.
import { sql } from 'drizzle-orm'
import { bigint, check, index, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Named frame sources of clients; one comes into being with its first frame. */
export const cameras = pgTable(
  'cameras',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Rows go with the client, in the transaction that deletes it. */
    clientId: bigint('client_id', { mode: 'number' }).notNull(),
    cameraId: text('camera_id').notNull(),
    firstSeenAt: moment('first_seen_at').notNull(),
    lastSeenAt: moment('last_seen_at').notNull(),
  },
  (table) => [
    uniqueIndex('cameras_client_camera').on(table.clientId, table.cameraId),
    index('cameras_last_seen').on(table.lastSeenAt),
    check('cameras_camera_id_form', sql`${table.cameraId} ~ '^[A-Za-z0-9_-]{1,64}$'`),
  ],
)
