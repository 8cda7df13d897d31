// GET /metrics for Prometheus: with an admin's token, or with METRICS_TOKEN, which opens nothing else.
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Config } from '../config/config.ts'
import type { Secret } from '../lib/secret.ts'
import { answers, type WebApi } from '../web/web.ts'
import { type AuthenticateDependencies, authenticate, readBearer } from './authenticate.ts'

export type MetricsDependencies = AuthenticateDependencies & {
  config: Pick<Config, 'metricsToken'>
  registry: Registry
}

export function addMetricsRoute(api: WebApi, dependencies: MetricsDependencies): void {
  const { config, registry } = dependencies
  const schema = {
    tags: ['health'],
    summary: 'Metrics in the Prometheus text format',
    response: { ...answers(z.null()), '2xx': { content: { 'text/plain': { schema: z.string() } } } },
  }
  api.get(
    '/metrics',
    {
      schema,
      async onRequest(request) {
        if (!isMetricsToken(request.raw, config.metricsToken)) await authenticate(dependencies, request.raw)
      },
    },
    async (_request, reply) => {
      reply.type(registry.contentType)
      return registry.metrics()
    },
  )
}

function isMetricsToken(request: IncomingMessage, token: Secret | null): boolean {
  const bearer = readBearer(request)
  if (bearer === null || token === null) return false
  return timingSafeEqual(hash('sha256', bearer, 'buffer'), hash('sha256', token.reveal(), 'buffer'))
}
