// CORS for the client's own routes: pages of the listed origins may call them, no other page may.
import type { WebApi } from '../web/web.ts'

const allowedMethods = 'GET, POST, PUT, DELETE'
const allowedHeaders = 'Authorization, Content-Type, X-API-Key'
const exposedHeaders = 'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy'
const preflightMaxAgeSeconds = '600'

/** Must be called before the routes are added, and before anything that may refuse a request: refusals must be readable, too. */
export function allowCrossOrigin(api: WebApi, origins: readonly string[]): void {
  api.addHook('onRequest', async ({ raw }, reply) => {
    const { response, origin } = { response: reply.raw, origin: raw.headers.origin }
    if (origins.length > 0) response.setHeader('vary', 'Origin')
    if (origin === undefined || !origins.includes(origin)) return
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-expose-headers', exposedHeaders)
  })
}

/** Preflights carry no credential, so they stand before the authentication. */
export function addPreflightRoute(api: WebApi, origins: readonly string[]): void {
  api.options('/api/*', { schema: { hide: true } }, async ({ raw }, reply) => {
    const isPreflight = raw.headers['access-control-request-method'] !== undefined
    if (!isPreflight || !origins.includes(raw.headers.origin ?? '')) return reply.callNotFound()
    reply.raw.setHeader('access-control-allow-methods', allowedMethods)
    reply.raw.setHeader('access-control-allow-headers', allowedHeaders)
    reply.raw.setHeader('access-control-max-age', preflightMaxAgeSeconds)
    return reply.code(204).send(null)
  })
}
