// Providers and their keys: the operator's shared ones and each client's own; written, removed, never read back.
import {
  AppError,
  clientProviderParams,
  providerKeyItem,
  providerKeyRequest,
  providerKeysAnswer,
  providerParams,
  providersAnswer,
  rowParams,
} from '@sallyport/contract'
import { z } from 'zod'
import type { Clients } from '../identity/identity.ts'
import type { Providers } from '../providers/providers.ts'
import type { ProviderKeyInfo, Vault } from '../vault/vault.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type ProviderRouteDependencies = {
  providers: Pick<Providers, 'find' | 'describe'>
  vault: Pick<Vault, 'list' | 'setKey' | 'removeKey'>
  clients: Pick<Clients, 'get'>
  audit: Pick<AuditLog, 'recorderFor'>
}

const tags = ['providers']
const removed = { ...answers(z.null()), 204: z.null() }

export function addProviderRoutes(api: WebApi, dependencies: ProviderRouteDependencies): void {
  const { providers } = dependencies
  const schema = {
    tags,
    summary: 'Providers, and the last characters of their shared keys',
    response: answers(providersAnswer),
  }
  api.get('/admin/api/providers', { schema }, async () => ({ items: await providers.describe() }))
  addSharedKeyRoutes(api, dependencies)
  addOwnKeyRoutes(api, dependencies)
}

function addSharedKeyRoutes(api: WebApi, { providers, vault, audit }: ProviderRouteDependencies): void {
  const path = '/admin/api/providers/:name/key'
  const setSchema = {
    tags,
    summary: 'Set the shared key of a provider; it is never shown again',
    params: providerParams,
    body: providerKeyRequest,
    response: answers(providerKeyItem),
  }
  api.put(path, { schema: setSchema }, async ({ params: { name }, body, raw }) => {
    if (!providers.find(name)) throw new AppError('unknown_provider')
    const owner = { clientId: null, provider: name }
    return toItem(await vault.setKey(owner, body.api_key, recorderOf(audit, raw)))
  })

  const removeSchema = {
    tags,
    summary: 'Remove the shared key of a provider; one of the environment then counts again',
    params: providerParams,
    response: removed,
  }
  // A provider that left the configuration may still have a key to remove.
  api.delete(path, { schema: removeSchema }, async ({ params: { name }, raw }, reply) => {
    const owner = { clientId: null, provider: name }
    if (!(await vault.removeKey(owner, recorderOf(audit, raw)))) {
      throw notFound(`No shared key of "${name}" was set here.`)
    }
    return reply.code(204).send(null)
  })
}

function addOwnKeyRoutes(api: WebApi, dependencies: ProviderRouteDependencies): void {
  const { providers, vault, clients, audit } = dependencies
  const path = '/admin/api/clients/:id/provider-keys'
  const requireClient = async (id: number) => {
    if (!(await clients.get(id))) throw notFound(`There is no client with the id ${id}.`)
  }

  const listSchema = {
    tags,
    summary: 'The provider keys of a client',
    params: rowParams,
    response: answers(providerKeysAnswer),
  }
  api.get(path, { schema: listSchema }, async ({ params: { id } }) => {
    await requireClient(id)
    return { items: (await vault.list(id)).map(toItem) }
  })

  const setSchema = {
    tags,
    summary: 'Set a provider key of a client; it is never shown again',
    params: clientProviderParams,
    body: providerKeyRequest,
    response: answers(providerKeyItem),
  }
  api.put(`${path}/:name`, { schema: setSchema }, async ({ params: { id, name }, body, raw }) => {
    await requireClient(id)
    if (!providers.find(name)) throw new AppError('unknown_provider')
    const owner = { clientId: id, provider: name }
    return toItem(await vault.setKey(owner, body.api_key, recorderOf(audit, raw)))
  })

  const removeSchema = {
    tags,
    summary: 'Remove a provider key of a client',
    params: clientProviderParams,
    response: removed,
  }
  api.delete(`${path}/:name`, { schema: removeSchema }, async ({ params: { id, name }, raw }, reply) => {
    await requireClient(id)
    const owner = { clientId: id, provider: name }
    if (!(await vault.removeKey(owner, recorderOf(audit, raw)))) {
      throw notFound(`Client ${id} has no key of "${name}".`)
    }
    return reply.code(204).send(null)
  })
}

function toItem({ provider, last4, updatedAt }: ProviderKeyInfo) {
  return { provider, last4, updated_at: updatedAt.toISOString() }
}
