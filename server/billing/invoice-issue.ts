// Writes the invoices of what usage was just taken: numbers in client id order, figures summed up in the database.
import { formatIsoWeek, paymentDetailsRequest } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Queryable } from '../store/store.ts'
import { type Buyer, createDocument, type IssueMoment, taxBasisPoints } from './invoice-document.ts'
import { readPaymentDetails } from './payment-details.ts'

/** Clients that are described at once: memory stays flat however many there are. */
const clientsPerPart = 1000

export type IssueDependencies = {
  billing: Config['billing']
  /** Those of `ids` that exist; in one query. */
  describeClients(tx: Queryable, ids: readonly number[]): Promise<Buyer[]>
}

export type Issue = IssueMoment & {
  /** The last invoice of a client that is being deleted. */
  isFinal: boolean
  /** False: nobody is to be mailed. */
  isMailed: boolean
}

/**
 * Makes an invoice of `usage_taken` for each client, in `tx`, which holds the lock of numbers; answers how many.
 * An amount due of nothing is paid already and not mailed.
 */
export async function issueInvoices(
  dependencies: IssueDependencies,
  tx: Queryable,
  issue: Issue,
): Promise<number> {
  await tx.query(
    `create temporary table invoice_buyers (
       client_id bigint primary key, document text not null, due_on date not null) on commit drop`,
  )
  await describeBuyers(dependencies, tx, issue)
  const week = formatIsoWeek(issue.week)
  const { rowCount } = await tx.query(
    `with sums as (
       select client_id, sum(quantity)::bigint as calls, sum(total_micros)::bigint as total
       from usage_taken group by client_id),
     nets as (select *, (total + 5000) / 10000 as cents from sums),
     taxes as (select *, (cents * $3::bigint + 5000) / 10000 as tax_cents from nets),
     base as (select coalesce(max(sequence), 0) as sequence from invoices where week = $1),
     numbered as (
       select taxes.*, b.document, b.due_on,
         (select sequence from base) + row_number() over (order by client_id) as sequence
       from taxes join invoice_buyers b using (client_id))
     insert into invoices (client_id, kind, week, sequence, number, is_final, state, calls, total_micros, tax_micros,
       due_micros, issued_at, due_on, document, mail_queued_at)
     select client_id, 'invoice', $1, sequence, ${numberOf('$1::text', 'sequence')}, $2,
       case when cents = 0 then 'paid' else 'issued' end, calls, total, tax_cents * 10000,
       (cents + tax_cents) * 10000, $4, due_on, document, case when cents = 0 or not $5 then $4::timestamptz end
     from numbered order by sequence`,
    [
      week,
      issue.isFinal,
      taxBasisPoints(dependencies.billing.tax_percent),
      new Date(issue.nowMs),
      issue.isMailed,
    ],
  )
  await tx.query(
    `insert into invoice_lines
       (client_id, invoice_id, position, endpoint, provider, model, quantity, unit_price_micros, total_micros)
     select t.client_id, i.id,
       row_number() over (partition by i.id order by t.endpoint nulls last, t.provider, t.model nulls last, t.unit_price_micros desc nulls first),
       t.endpoint, t.provider, t.model, t.quantity, t.unit_price_micros, t.total_micros
     from usage_taken t join invoices i
       on i.client_id = t.client_id and i.week = $1 and i.kind = 'invoice' and i.is_final = $2`,
    [week, issue.isFinal],
  )
  return rowCount
}

/** SQL of a number: three digits, more when a week has more. */
export function numberOf(week: string, sequence: string): string {
  return `${week} || '-' || lpad(${sequence}::text, greatest(3, length(${sequence}::text)), '0')`
}

async function describeBuyers(
  { billing, describeClients }: IssueDependencies,
  tx: Queryable,
  issue: Issue,
): Promise<void> {
  const standard = { ...paymentDetailsRequest.parse({}) }
  for (let last = 0; ; ) {
    const { rows } = await tx.query<{ client_id: number }>(
      `select distinct client_id from usage_taken where client_id > $1 order by client_id limit ${clientsPerPart}`,
      [last],
    )
    const ids = rows.map((row) => row.client_id)
    last = ids.at(-1) ?? 0
    if (ids.length === 0) return
    const details = await readPaymentDetails(tx, ids)
    const buyers = (await describeClients(tx, ids)).map((buyer) => {
      const { document, dueOn } = createDocument(billing, buyer, details.get(buyer.id) ?? standard, issue)
      return { client_id: buyer.id, document: JSON.stringify(document), due_on: dueOn }
    })
    await tx.query(
      `insert into invoice_buyers
       select * from jsonb_to_recordset($1) as b (client_id bigint, document text, due_on date)`,
      [JSON.stringify(buyers)],
    )
  }
}
