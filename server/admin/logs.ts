// /admin/api/logs: the intercepts as a list, and all of them as a streamed CSV file.
import { Readable } from 'node:stream'
import {
  interceptCsvColumns,
  interceptItem,
  interceptsExportQuery,
  interceptsQuery,
  pageOf,
} from '@sallyport/contract'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Bindings } from '../bindings/bindings.ts'
import type { Clock } from '../lib/clock.ts'
import { answers, type WebApi } from '../web/web.ts'
import { csvOf } from './csv.ts'

export function addLogRoutes(
  api: WebApi,
  dependencies: { bindings: Pick<Bindings, 'listIntercepts' | 'exportIntercepts'>; clock: Clock },
): void {
  const { bindings, clock } = dependencies
  const listSchema = {
    tags: ['logs'],
    summary: 'List intercepted calls',
    querystring: interceptsQuery,
    response: answers(pageOf(interceptItem)),
  }
  api.get('/admin/api/logs', { schema: listSchema }, (request) => bindings.listIntercepts(request.query))

  const exportSchema = {
    tags: ['logs'],
    summary: 'All intercepted calls as CSV',
    querystring: interceptsExportQuery,
    response: { ...answers(z.null()), '2xx': { content: { 'text/csv': { schema: z.string() } } } },
  }
  api.get(
    '/admin/api/logs/export',
    { schema: exportSchema, exposeHeadRoute: false },
    async (request, reply) => {
      const today = new Date(clock.now()).toISOString().slice(0, 10)
      reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="intercepts-${today}.csv"`)
      const file = Readable.from(csvOf(interceptCsvColumns, bindings.exportIntercepts(request.query)), {
        highWaterMark: 1,
      })
      // The schema tells readers of /docs what arrives, a text; the framework's type does not know streams of it.
      return (reply as FastifyReply).send(file)
    },
  )
}
