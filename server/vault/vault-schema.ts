// Tables of the vault.
import { bigint, customType, integer, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** One provider key each, sealed with a data key of its own, which the master key seals. */
export const providerKeys = pgTable(
  'provider_keys',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Null: shared, the operator's. */
    clientId: bigint('client_id', { mode: 'number' }),
    provider: text().notNull(),
    /** Grows with each new key of this client and provider; part of what the seal is bound to. */
    version: integer().notNull(),
    last4: text().notNull(),
    /** Key, nonce, tag and text of the record as one sealed envelope. */
    sealed: bytea().notNull(),
    /** The data key, sealed by the master key that `masterKeyId` names. */
    sealedDataKey: bytea('sealed_data_key').notNull(),
    masterKeyId: text('master_key_id').notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [unique('provider_keys_owner').on(table.clientId, table.provider).nullsNotDistinct()],
)
