// /api/invoices: a client's own invoices, as data, page and PDF. Another client's look like none.
import { AppError, invoiceItem, invoiceParams, invoicesPage, ownInvoicesQuery } from '@sallyport/contract'
import type { FastifyReply } from 'fastify'
import type { Billing } from '../billing/billing.ts'
import type { Principal } from '../identity/identity.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'

export type InvoiceRouteDependencies = { billing: Pick<Billing, 'list' | 'open'> }

const path = '/api/invoices'
const shared = { tags: ['client'], security: callerSecurity.client }

/** Behind the authentication. */
export function addInvoiceRoutes(api: WebApi, { billing }: InvoiceRouteDependencies): void {
  const listSchema = {
    ...shared,
    summary: 'Your invoices and credit notes, newest first',
    querystring: ownInvoicesQuery,
    response: answers(invoicesPage),
  }
  api.get(path, { schema: listSchema }, async ({ query, raw }) => {
    const { clientId } = checkScope(callerOf(raw))
    return billing.list({ ...query, client_id: clientId })
  })

  const getSchema = {
    ...shared,
    summary: 'One of your invoices; with .html or .pdf behind the number its document',
    params: invoiceParams,
    response: answers(invoiceItem),
  }
  api.get(`${path}/:number`, { schema: getSchema }, async ({ params: { number }, raw }, reply) => {
    const opened = await billing.open(checkScope(callerOf(raw)).clientId, number)
    if (!opened) throw notFound('You have no invoice with this number.')
    if (!opened.file) return opened.item
    return (reply.headers(opened.file.headers) as FastifyReply).send(opened.file.body)
  })
}

function checkScope(caller: Principal): Principal {
  if (caller.scopes !== null && !caller.scopes.includes('usage')) throw new AppError('scope_missing')
  return caller
}
