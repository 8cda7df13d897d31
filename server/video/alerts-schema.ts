// Tables of alerts: what was raised, and until it is delivered what its mail carries.
import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** Rows go with the client, in the transaction that deletes it. */
export const alerts = pgTable(
  'alerts',
  {
    /** Rises with the time (UUIDv7): it orders the lists. */
    id: uuid().primaryKey(),
    clientId: bigint('client_id', { mode: 'number' }).notNull(),
    cameraId: text('camera_id').notNull(),
    riskLevel: text('risk_level').notNull(),
    incidentType: text('incident_type'),
    analysis: text().notNull(),
    state: text().notNull(),
    /** Null: suppressed. */
    recipient: text(),
    /** Null while it is being made: the mail waits for it. */
    attachment: text(),
    clipMs: integer('clip_ms'),
    clipFrames: integer('clip_frames'),
    createdAt: moment('created_at').notNull(),
    sentAt: moment('sent_at'),
    /** What the mail server answered when it refused the mail for good. */
    failure: text(),
  },
  (table) => [
    index('alerts_client').on(table.clientId, table.id),
    index('alerts_client_camera').on(table.clientId, table.cameraId, table.createdAt),
    index('alerts_created').on(table.createdAt),
    index('alerts_queued').on(table.createdAt).where(sql`state = 'queued'`),
    check('alerts_state', sql`${table.state} in ('queued', 'sent', 'failed', 'suppressed')`),
    check('alerts_risk_level', sql`${table.riskLevel} in ('LOW', 'MEDIUM', 'HIGH')`),
    check('alerts_attachment', sql`${table.attachment} in ('clip', 'key_frames', 'none')`),
  ],
)

/** Gone as soon as the mail is delivered or given up. */
export const alertFiles = pgTable(
  'alert_files',
  {
    alertId: uuid('alert_id')
      .notNull()
      .references(() => alerts.id, { onDelete: 'cascade' }),
    position: integer().notNull(),
    filename: text().notNull(),
    contentType: text('content_type').notNull(),
    content: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.alertId, table.position] })],
)
