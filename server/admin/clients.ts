// /admin/api/clients: whom the gateway serves; made, changed, suspended with all credentials at once, deleted.
import {
  clientCreateRequest,
  clientDeleteQuery,
  clientItem,
  clientPatchRequest,
  clientsPage,
  clientsQuery,
  clientWithKeyAnswer,
  rowParams,
} from '@sallyport/contract'
import type { Clients } from '../identity/identity.ts'
import type { Budgets } from '../usage/usage.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type ClientRouteDependencies = {
  clients: Clients
  budgets: Pick<Budgets, 'forget'>
  audit: Pick<AuditLog, 'recorderFor'>
}

const path = '/admin/api/clients'
const tags = ['clients']

export function addClientRoutes(api: WebApi, dependencies: ClientRouteDependencies): void {
  const { clients, budgets, audit } = dependencies
  const describe = (summary: string) => ({ tags, summary, response: answers(clientItem) })

  const listSchema = {
    ...describe('List clients'),
    querystring: clientsQuery,
    response: answers(clientsPage),
  }
  api.get(path, { schema: listSchema }, async (request) => {
    const { page, page_size } = request.query
    return { ...(await clients.list(request.query)), page, page_size }
  })

  const createSchema = {
    ...describe('Make a client with its first API key, which is shown only in this answer'),
    body: clientCreateRequest,
    response: answers(clientWithKeyAnswer),
  }
  api.post(path, { schema: createSchema }, async (request, reply) => {
    const { client, apiKey } = await clients.create(request.body, recorderOf(audit, request.raw))
    reply.code(201)
    return { client, api_key: apiKey.reveal() }
  })

  const getSchema = { ...describe('One client'), params: rowParams }
  api.get(`${path}/:id`, { schema: getSchema }, async ({ params: { id } }) =>
    found(id, await clients.get(id)),
  )

  const patchSchema = {
    ...describe('Change some of its values'),
    params: rowParams,
    body: clientPatchRequest,
  }
  api.patch(`${path}/:id`, { schema: patchSchema }, async ({ params: { id }, body, raw }) => {
    if (body.settings?.budgets !== undefined) await budgets.forget(id)
    return found(id, await clients.update(id, body, recorderOf(audit, raw)))
  })
  addLifeCycle(api, dependencies)
}

function addLifeCycle(api: WebApi, { clients, audit }: ClientRouteDependencies): void {
  const changes = [
    ['revoke', 'Suspend a client: all its credentials die at once', clients.suspend],
    ['reactivate', 'End the suspension; what was revoked one by one stays revoked', clients.reactivate],
  ] as const
  for (const [verb, summary, change] of changes) {
    const schema = { tags, summary, params: rowParams, response: answers(clientItem) }
    api.post(`${path}/:id/${verb}`, { schema }, async ({ params: { id }, raw }) =>
      found(id, await change(id, recorderOf(audit, raw))),
    )
  }

  const deleteSchema = {
    tags,
    summary:
      'Delete a client with all that it has; usage not yet invoiced is invoiced first, or dropped. Answers it as it was',
    params: rowParams,
    querystring: clientDeleteQuery,
    response: answers(clientItem),
  }
  api.delete(`${path}/:id`, { schema: deleteSchema }, async ({ params: { id }, query, raw }) =>
    found(id, await clients.delete(id, recorderOf(audit, raw), query.usage)),
  )
}

function found<Item>(id: number, item: Item | null): Item {
  if (item === null) throw notFound(`There is no client with the id ${id}.`)
  return item
}
