// How a client pays: read for one or many, written whole.
import { type PaymentDetailsRequest, paymentDetailsRequest } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'

/** Those of `clientIds` that have some. */
export async function readPaymentDetails(
  queryable: Queryable,
  clientIds: readonly number[],
): Promise<Map<number, PaymentDetailsRequest>> {
  const { rows } = await queryable.query<{ client_id: number; details: string }>(
    'select client_id, details from payment_details where client_id = any($1::bigint[])',
    [clientIds],
  )
  return new Map(rows.map((row) => [row.client_id, paymentDetailsRequest.parse(JSON.parse(row.details))]))
}

export async function writePaymentDetails(
  tx: Queryable,
  clientId: number,
  details: PaymentDetailsRequest,
): Promise<void> {
  await tx.query(
    `insert into payment_details (client_id, details) values ($1, $2)
     on conflict (client_id) do update set details = excluded.details`,
    [clientId, JSON.stringify(details)],
  )
}

export async function removePaymentDetails(tx: Queryable, clientId: number): Promise<void> {
  await tx.query('delete from payment_details where client_id = $1', [clientId])
}
