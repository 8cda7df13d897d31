// Tables of the identity room.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  pgTable,
  smallint,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const clientIdColumn = () =>
  bigint('client_id', { mode: 'number' })
    .notNull()
    .references(() => clients.id, { onDelete: 'cascade' })

/** One row: the admin. */
export const adminAccount = pgTable('admin_account', {
  id: smallint().primaryKey(),
  /** argon2id, PHC string. */
  passwordHash: text('password_hash').notNull(),
  /** Grows with each change of the password; sessions of earlier epochs are void. */
  epoch: integer().notNull().default(1),
  changedAt: timestamp('changed_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
})

/** Whoever the gateway serves and bills. An end user is one with (issuer, subject), never matched to one that an admin made. */
export const clients = pgTable(
  'clients',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    externalId: text('external_id').notNull().unique(),
    name: text().notNull(),
    email: text(),
    status: text({ enum: ['active', 'suspended'] })
      .notNull()
      .default('active'),
    issuer: text(),
    subject: text(),
    sharedKeys: boolean('shared_keys').notNull().default(false),
    /** JSON text of contract `clientSettings`. */
    settings: text().notNull().default('{}'),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Of an end user: keys and devices have times of their own. */
    lastSeenAt: moment('last_seen_at'),
  },
  (table) => [
    uniqueIndex('clients_email').on(sql`lower(${table.email})`).where(sql`${table.issuer} is null`),
    uniqueIndex('clients_identity').on(table.issuer, table.subject),
    index('clients_name').on(sql`lower(${table.name}) text_pattern_ops`),
    // The unique ones cannot answer a search for a beginning.
    index('clients_email_prefix').on(sql`lower(${table.email}) text_pattern_ops`),
    index('clients_external_id_prefix').on(table.externalId.op('text_pattern_ops')),
    index('clients_subject_prefix')
      .on(table.subject.op('text_pattern_ops'))
      .where(sql`${table.issuer} is not null`),
    index('clients_users').on(table.id).where(sql`${table.issuer} is not null`),
    check('clients_status_known', sql`${table.status} in ('active', 'suspended')`),
    check('clients_identity_whole', sql`(${table.issuer} is null) = (${table.subject} is null)`),
  ],
)

export const apiKeys = pgTable(
  'api_keys',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    clientId: clientIdColumn(),
    name: text(),
    /** Short mask of the newest secret. */
    display: text().notNull(),
    revokedAt: moment('revoked_at'),
    expiresAt: moment('expires_at'),
    /** Null: all. */
    scopes: text().array(),
    models: text().array(),
    requestsPerMinute: integer('requests_per_minute'),
    /** `off`, or its calls are judged by the binding of the key (bindings table). */
    bindingPolicy: text('binding_policy', { enum: ['off', 'bound'] })
      .notNull()
      .default('off'),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastUsedAt: moment('last_used_at'),
  },
  (table) => [index('api_keys_client').on(table.clientId, table.id)],
)

/** A key's secrets: one, and during the grace of a rotation the one before. The id of the key stays. */
export const apiKeySecrets = pgTable(
  'api_key_secrets',
  {
    /** HMAC-SHA256 with the pepper. */
    digest: bytea().primaryKey(),
    keyId: bigint('key_id', { mode: 'number' })
      .notNull()
      .references(() => apiKeys.id, { onDelete: 'cascade' }),
    /** End of the grace; null for the newest. */
    endsAt: moment('ends_at'),
  },
  (table) => [index('api_key_secrets_key').on(table.keyId)],
)

export const devices = pgTable(
  'devices',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    deviceId: text('device_id').notNull().unique(),
    clientId: clientIdColumn(),
    name: text(),
    active: boolean().notNull().default(true),
    /** Grows with each revocation; tokens carry it in their `jti`, so that those of before stay dead. */
    epoch: integer().notNull().default(1),
    bindingPolicy: text('binding_policy', { enum: ['off', 'bound'] })
      .notNull()
      .default('off'),
    /** Assistants that it may start; null: all. */
    assistants: text().array(),
    requestsPerMinute: integer('requests_per_minute'),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at'),
  },
  (table) => [index('devices_client').on(table.clientId, table.id)],
)

export const deviceSecrets = pgTable(
  'device_secrets',
  {
    digest: bytea().primaryKey(),
    devicePk: bigint('device_pk', { mode: 'number' })
      .notNull()
      .references(() => devices.id, { onDelete: 'cascade' }),
    endsAt: moment('ends_at'),
  },
  (table) => [index('device_secrets_device').on(table.devicePk)],
)

/** Secrets that sign device tokens when JWT_SECRET is not set; sealed with the master key. */
export const signingKeys = pgTable('signing_keys', {
  /** First 8 hex digits of SHA-256 of the secret. */
  kid: text().primaryKey(),
  sealed: bytea().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  /** Set by a rotation: from then on it only verifies. */
  retiredAt: moment('retired_at'),
})
