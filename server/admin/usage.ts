// /admin/api/usage: the events of metered calls as a list with what they add up to in all and by day, and all of them as a streamed CSV file.
import { Readable } from 'node:stream'
import {
  usageAnswer,
  usageCsvColumns,
  usageDaysAnswer,
  usageDaysQuery,
  usageExportQuery,
  usageQuery,
} from '@sallyport/contract'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { UsageDays, UsageLedger } from '../usage/usage.ts'
import { answers, type WebApi } from '../web/web.ts'
import { csvOf } from './csv.ts'

export type UsageRouteDependencies = {
  ledger: Pick<UsageLedger, 'list' | 'export'>
  usageDays: UsageDays
  clock: Clock
}

export function addUsageRoutes(api: WebApi, dependencies: UsageRouteDependencies): void {
  const { ledger, usageDays } = dependencies
  const listSchema = {
    tags: ['usage'],
    summary: 'Metered calls, newest first, with their totals; by_endpoint holds the dearest hundred',
    querystring: usageQuery,
    response: answers(usageAnswer),
  }
  api.get('/admin/api/usage', { schema: listSchema }, (request) => ledger.list(request.query))

  const daysSchema = {
    tags: ['usage'],
    summary: 'Calls and cost by day, the last 30 days unless told otherwise',
    querystring: usageDaysQuery,
    response: answers(usageDaysAnswer),
  }
  api.get('/admin/api/usage/days', { schema: daysSchema }, ({ query }) => usageDays(query))
  addExport(api, dependencies)
}

function addExport(api: WebApi, { ledger, clock }: UsageRouteDependencies): void {
  const exportSchema = {
    tags: ['usage'],
    summary: 'All metered calls as CSV',
    querystring: usageExportQuery,
    response: { ...answers(z.null()), '2xx': { content: { 'text/csv': { schema: z.string() } } } },
  }
  api.get(
    '/admin/api/usage/export',
    { schema: exportSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const today = new Date(clock.now()).toISOString().slice(0, 10)
      reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="usage-${today}.csv"`)
      const file = Readable.from(csvOf(usageCsvColumns, ledger.export(request.query)), { highWaterMark: 1 })
      // The schema tells readers of /docs what arrives, a text; the framework's type does not know streams of it.
      return (reply as FastifyReply).send(file)
    },
  )
}
