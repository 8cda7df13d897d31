// API keys of clients: /admin/api/clients/:id/keys lists and makes them, /admin/api/keys/:id changes one.
import {
  keyCreateRequest,
  keyItem,
  keyRotateRequest,
  keysPage,
  keysQuery,
  keyWithSecretAnswer,
  rowParams,
} from '@sallyport/contract'
import type { ApiKeys } from '../identity/identity.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type KeyRouteDependencies = { keys: ApiKeys; audit: Pick<AuditLog, 'recorderFor'> }

const tags = ['keys']

export function addKeyRoutes(api: WebApi, dependencies: KeyRouteDependencies): void {
  const { keys, audit } = dependencies
  const ofClient = '/admin/api/clients/:id/keys'

  const listSchema = {
    tags,
    summary: 'List the API keys of a client',
    params: rowParams,
    querystring: keysQuery,
    response: answers(keysPage),
  }
  api.get(ofClient, { schema: listSchema }, async ({ params: { id }, query }) => {
    const list = found('client', id, await keys.list(id, query))
    return { ...list, page: query.page, page_size: query.page_size }
  })

  const createSchema = {
    tags,
    summary: 'Make an API key, which is shown only in this answer',
    params: rowParams,
    body: keyCreateRequest.prefault({}),
    response: answers(keyWithSecretAnswer),
  }
  api.post(ofClient, { schema: createSchema }, async ({ params: { id }, body, raw }, reply) => {
    const made = found('client', id, await keys.create(id, body, recorderOf(audit, raw)))
    reply.code(201)
    return { key: made.key, api_key: made.apiKey.reveal() }
  })
  addKeyChanges(api, dependencies)
}

function addKeyChanges(api: WebApi, { keys, audit }: KeyRouteDependencies): void {
  const path = '/admin/api/keys/:id'
  const changes = [
    ['revoke', 'Revoke a key: it is refused from the next request on', keys.revoke],
    ['reactivate', 'Take the revocation of a key back', keys.reactivate],
  ] as const
  for (const [verb, summary, change] of changes) {
    const schema = { tags, summary, params: rowParams, response: answers(keyItem) }
    api.post(`${path}/${verb}`, { schema }, async ({ params: { id }, raw }) =>
      found('API key', id, await change(id, recorderOf(audit, raw))),
    )
  }

  const rotateSchema = {
    tags,
    summary: 'Give a key a new secret; the old one works until the grace ends',
    params: rowParams,
    body: keyRotateRequest,
    response: answers(keyWithSecretAnswer),
  }
  api.post(`${path}/rotate`, { schema: rotateSchema }, async ({ params: { id }, body, raw }, reply) => {
    const rotated = await keys.rotate(id, body.grace_seconds, recorderOf(audit, raw))
    const { key, apiKey } = found('API key', id, rotated)
    reply.code(201)
    return { key, api_key: apiKey.reveal() }
  })
}

function found<Item>(kind: 'client' | 'API key', id: number, item: Item | null): Item {
  if (item === null) throw notFound(`There is no ${kind} with the id ${id}.`)
  return item
}
