// /api/provider-keys: a client brings, replaces and removes its own provider keys; nobody can read them back.
import {
  AppError,
  providerKeyItem,
  providerKeyRequest,
  providerKeysAnswer,
  providerParams,
} from '@sallyport/contract'
import { z } from 'zod'
import type { Principal } from '../identity/identity.ts'
import type { ProviderKeyInfo, RecordVaultChange, Vault } from '../vault/vault.ts'
import { answers, callOf, notFound, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'

export type ProviderKeyRouteDependencies = {
  vault: Pick<Vault, 'list' | 'setKey' | 'removeKey'>
  isProvider(name: string): boolean
  /** Records what `actor` changes from `address`. */
  recorderFor(actor: string, address: string | null): RecordVaultChange
}

const path = '/api/provider-keys'
const shared = { tags: ['client'], security: callerSecurity.client }

/** Behind the authentication. */
export function addProviderKeyRoutes(api: WebApi, dependencies: ProviderKeyRouteDependencies): void {
  const { vault, isProvider, recorderFor } = dependencies

  const listSchema = {
    ...shared,
    summary: 'The providers that you brought a key of your own for',
    response: answers(providerKeysAnswer),
  }
  api.get(path, { schema: listSchema }, async ({ raw }) => {
    const caller = callerOf(raw)
    const keys = await vault.list(caller.clientId)
    return { items: keys.filter(({ provider }) => hasScope(caller, provider)).map(toItem) }
  })

  const setSchema = {
    ...shared,
    summary: 'Save a key of your own; it is never shown again',
    params: providerParams,
    body: providerKeyRequest,
    response: answers(providerKeyItem),
  }
  api.put(`${path}/:name`, { schema: setSchema }, async ({ params: { name }, body, raw }) => {
    const caller = callerOf(raw)
    if (!hasScope(caller, name)) throw new AppError('scope_missing')
    if (!isProvider(name)) throw new AppError('unknown_provider')
    const owner = { clientId: caller.clientId, provider: name }
    const record = recorderFor(caller.credential, callOf(raw).address.text)
    return toItem(await vault.setKey(owner, body.api_key, record))
  })

  const removeSchema = {
    ...shared,
    summary: 'Remove a key of your own',
    params: providerParams,
    response: { ...answers(z.null()), 204: z.null() },
  }
  api.delete(`${path}/:name`, { schema: removeSchema }, async ({ params: { name }, raw }, reply) => {
    const caller = callerOf(raw)
    if (!hasScope(caller, name)) throw new AppError('scope_missing')
    const owner = { clientId: caller.clientId, provider: name }
    const record = recorderFor(caller.credential, callOf(raw).address.text)
    if (!(await vault.removeKey(owner, record))) throw notFound(`You have no key of "${name}" here.`)
    return reply.code(204).send(null)
  })
}

/** A key that may not call a provider has no business with the provider's key. */
function hasScope({ scopes }: Principal, provider: string): boolean {
  return scopes === null || scopes.includes('proxy') || scopes.includes(`proxy:${provider}`)
}

function toItem({ provider, last4, updatedAt }: ProviderKeyInfo) {
  return { provider, last4, updated_at: updatedAt.toISOString() }
}
