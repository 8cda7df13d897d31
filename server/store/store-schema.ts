// Tables of the installation itself. Schema files are read by the migration generator and, as types, by the code; never at run time.
import { pgTable, smallint, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** One row: which secrets this database belongs to. */
export const installation = pgTable('installation', {
  id: smallint().primaryKey(),
  pepperFingerprint: text('pepper_fingerprint').notNull(),
  masterKeyFingerprint: text('master_key_fingerprint').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

/** Work that waited in the queues of an imported archive, until the next start puts it into the queues again. */
export const importedJobs = pgTable('imported_jobs', {
  id: uuid().primaryKey(),
  queue: text().notNull(),
  key: text().notNull(),
  /** JSON. */
  data: text().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
})
