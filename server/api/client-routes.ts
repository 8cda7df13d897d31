// What a client sees of itself with one of its API keys or a user token: whether the gateway is there, and its keys.
import { AppError, clientHealthAnswer, keysPage, keysQuery } from '@sallyport/contract'
import { z } from 'zod'
import type { ApiKeys } from '../identity/identity.ts'
import type { Clock } from '../lib/clock.ts'
import { answers, type WebApi } from '../web/web.ts'
import { type Authenticate, callerOf, callerSecurity } from './authenticate.ts'
import { readCredential } from './credential.ts'

export type ClientRouteDependencies = { keys: Pick<ApiKeys, 'list'>; clock: Clock }

const tags = ['client']

/** Open to anyone, but a credential that is sent must be good: a client tests its key here. */
export function addClientHealthRoute(
  api: WebApi,
  { clock, authenticate }: { clock: Clock; authenticate: Authenticate },
): void {
  const schema = {
    tags,
    security: [],
    summary: 'The gateway serves; with a credential also: it is good',
    response: answers(clientHealthAnswer),
  }
  api.get(
    '/api/health',
    {
      schema,
      async onRequest({ raw }, reply) {
        if (readCredential(raw) !== null) await authenticate('client', raw, reply.raw)
      },
    },
    async () => ({ status: 'ok' as const, timestamp: new Date(clock.now()).toISOString() }),
  )
}

/** Behind the authentication. */
export function addClientRoutes(api: WebApi, { keys }: ClientRouteDependencies): void {
  const schema = {
    ...{ tags, security: callerSecurity.client },
    summary: 'The API keys of your own client',
    // Whatever does not name the own client looks the same.
    params: z.strictObject({ id: z.string() }),
    querystring: keysQuery,
    response: answers(keysPage),
  }
  api.get('/api/clients/:id/keys', { schema }, async ({ params, query, raw }) => {
    const { clientId } = callerOf(raw)
    const list = params.id === String(clientId) ? await keys.list(clientId, query) : null
    if (!list) throw new AppError('not_your_client')
    return { ...list, page: query.page, page_size: query.page_size }
  })
}
