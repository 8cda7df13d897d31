// /admin/api/clients/:id/payment-details: how a client pays, and what its invoices say of it.
import { paymentDetails, paymentDetailsRequest, rowParams } from '@sallyport/contract'
import type { Billing } from '../billing/billing.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

const path = '/admin/api/clients/:id/payment-details'
const shared = { tags: ['invoices'], params: rowParams, response: answers(paymentDetails) }

export function addPaymentDetailsRoutes(
  api: WebApi,
  dependencies: {
    billing: Pick<Billing, 'readPaymentDetails' | 'writePaymentDetails'>
    audit: Pick<AuditLog, 'recorderFor'>
  },
): void {
  const { billing, audit } = dependencies
  const getSchema = { ...shared, summary: 'How a client pays' }
  api.get(path, { schema: getSchema }, async ({ params: { id } }) =>
    found(id, await billing.readPaymentDetails(id)),
  )
  const putSchema = {
    ...shared,
    summary: 'Say how a client pays; what is left out is as if never given',
    body: paymentDetailsRequest,
  }
  api.put(path, { schema: putSchema }, async ({ params: { id }, body, raw }) =>
    found(id, await billing.writePaymentDetails(id, body, recorderOf(audit, raw))),
  )
}

function found<Item>(id: number, item: Item | null): Item {
  if (item === null) throw notFound(`There is no client with the id ${id}.`)
  return item
}
