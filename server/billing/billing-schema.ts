// Tables of the billing room. Issued invoices stay as they are, also when their client is deleted.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
const amount = (name: string) => bigint(name, { mode: 'number' })

export const invoices = pgTable(
  'invoices',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** No reference to the clients: the invoice outlives its client. */
    clientId: amount('client_id').notNull(),
    kind: text({ enum: ['invoice', 'credit_note'] }).notNull(),
    week: text().notNull(),
    /** Runs within the week, without gaps: given under an advisory lock. */
    sequence: integer().notNull(),
    number: text().notNull().unique(),
    /** The last one of a client that was deleted: a second one of its week. */
    isFinal: boolean('is_final').notNull(),
    state: text({ enum: ['issued', 'sent', 'paid', 'void'] }).notNull(),
    calls: amount('calls').notNull(),
    totalMicros: amount('total_micros').notNull(),
    taxMicros: amount('tax_micros').notNull(),
    dueMicros: amount('due_micros').notNull(),
    issuedAt: moment('issued_at').notNull(),
    dueOn: date('due_on').notNull(),
    /** JSON text: seller, buyer and terms as they were at that moment. */
    document: text().notNull(),
    /** On a credit note: the number of the void invoice. */
    cancels: text().unique(),
    /** Null: still to be handed to the outbox. */
    mailQueuedAt: moment('mail_queued_at'),
    sentAt: moment('sent_at'),
    mailError: text('mail_error'),
    paidOn: date('paid_on'),
    paidReference: text('paid_reference'),
  },
  (table) => [
    uniqueIndex('invoices_sequence').on(table.week, table.sequence),
    uniqueIndex('invoices_once')
      .on(table.clientId, table.week, table.isFinal)
      .where(sql`${table.kind} = 'invoice'`),
    index('invoices_client').on(table.clientId, table.id),
    index('invoices_week').on(table.week, table.id),
    index('invoices_state').on(table.state, table.id),
    index('invoices_unmailed').on(table.id).where(sql`${table.mailQueuedAt} is null`),
    check('invoices_kind_known', sql`${table.kind} in ('invoice', 'credit_note')`),
    check('invoices_state_known', sql`${table.state} in ('issued', 'sent', 'paid', 'void')`),
    check('invoices_cancels', sql`(${table.kind} = 'credit_note') = (${table.cancels} is not null)`),
  ],
)

export const invoiceLines = pgTable(
  'invoice_lines',
  {
    clientId: amount('client_id').notNull(),
    invoiceId: amount('invoice_id')
      .notNull()
      .references(() => invoices.id),
    position: integer().notNull(),
    endpoint: text(),
    provider: text(),
    model: text(),
    quantity: amount('quantity').notNull(),
    unitPriceMicros: amount('unit_price_micros'),
    totalMicros: amount('total_micros').notNull(),
  },
  (table) => [primaryKey({ columns: [table.invoiceId, table.position] })],
)

export const paymentDetails = pgTable('payment_details', {
  clientId: amount('client_id').primaryKey(),
  /** JSON text of contract `paymentDetailsRequest`. */
  details: text().notNull(),
})

/** Weeks for which the Monday job has done its work. */
export const billingRuns = pgTable('billing_runs', {
  week: text().primaryKey(),
  finishedAt: moment('finished_at').notNull(),
})
