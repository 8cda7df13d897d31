// /admin/api/invoices: runs, lists, documents, and what happens to an issued invoice.
import { Readable } from 'node:stream'
import {
  type InvoiceItem,
  invoiceCsvColumns,
  invoiceItem,
  invoiceLinesExportQuery,
  invoiceParams,
  invoicePayRequest,
  invoiceRunAnswer,
  invoiceRunRequest,
  invoicesPage,
  invoicesQuery,
} from '@sallyport/contract'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Billing } from '../billing/billing.ts'
import type { Clock } from '../lib/clock.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { csvOf } from './csv.ts'
import { recorderOf } from './signed-in.ts'

export type InvoiceRouteDependencies = {
  billing: Billing
  audit: Pick<AuditLog, 'recorderFor'>
  clock: Clock
}

const path = '/admin/api/invoices'
const tags = ['invoices']

export function addInvoiceRoutes(api: WebApi, dependencies: InvoiceRouteDependencies): void {
  const { billing, audit } = dependencies
  const runSchema = {
    tags,
    summary: 'Issue the invoices of a week that are missing; answers all of the week',
    body: invoiceRunRequest,
    response: answers(invoiceRunAnswer),
  }
  api.post(`${path}/run`, { schema: runSchema }, async ({ body, raw }) => ({
    week: body.week,
    invoices: await billing.run(body, recorderOf(audit, raw)),
  }))

  const listSchema = {
    ...{ tags, summary: 'List invoices and credit notes, newest first' },
    querystring: invoicesQuery,
    response: answers(invoicesPage),
  }
  api.get(path, { schema: listSchema }, ({ query }) => billing.list(query))
  addExport(api, dependencies)

  const getSchema = {
    ...{ tags, summary: 'One invoice; with .html or .pdf behind the number its document' },
    params: invoiceParams,
    response: answers(invoiceItem),
  }
  api.get(`${path}/:number`, { schema: getSchema }, async ({ params: { number } }, reply) => {
    const opened = await billing.open(null, number)
    if (!opened) throw notFound('There is no invoice with this number.')
    if (!opened.file) return opened.item
    return (reply.headers(opened.file.headers) as FastifyReply).send(opened.file.body)
  })
  addChanges(api, dependencies)
}

function addChanges(api: WebApi, { billing, audit }: InvoiceRouteDependencies): void {
  const describe = (summary: string) => ({
    ...{ tags, summary, params: invoiceParams },
    response: answers(invoiceItem),
  })
  const sendSchema = describe('Mail it to the client, once more if it was mailed before')
  api.post(`${path}/:number/send`, { schema: sendSchema }, async ({ params: { number }, raw }) =>
    found(await billing.send(number, recorderOf(audit, raw))),
  )
  const paySchema = { ...describe('Mark as paid'), body: invoicePayRequest }
  api.post(`${path}/:number/pay`, { schema: paySchema }, async ({ params: { number }, body, raw }) =>
    found(await billing.pay(number, body, recorderOf(audit, raw))),
  )
  const voidSchema = describe('Take it back by a full credit note, which is answered')
  api.post(`${path}/:number/void`, { schema: voidSchema }, async ({ params: { number }, raw }) =>
    found(await billing.void(number, recorderOf(audit, raw))),
  )
}

function addExport(api: WebApi, { billing, clock }: InvoiceRouteDependencies): void {
  const schema = {
    ...{ tags, summary: 'The lines of all invoices that match, as CSV' },
    querystring: invoiceLinesExportQuery,
    response: { ...answers(z.null()), '2xx': { content: { 'text/csv': { schema: z.string() } } } },
  }
  api.get(`${path}/export`, { schema, exposeHeadRoute: false }, async ({ query }, reply) => {
    const today = new Date(clock.now()).toISOString().slice(0, 10)
    reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="invoice-lines-${today}.csv"`)
    const file = Readable.from(csvOf(invoiceCsvColumns, billing.exportLines(query)), { highWaterMark: 1 })
    return (reply as FastifyReply).send(file)
  })
}

function found(item: InvoiceItem | null): InvoiceItem {
  if (item === null) throw notFound('There is no invoice with this number.')
  return item
}
