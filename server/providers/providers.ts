// Door of the providers room: the catalogue of upstream APIs, what the shared key opens of each, and whose key serves a call.
import type { ProviderItem } from '@sallyport/contract'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { Secret } from '../lib/secret.ts'
import { lastCharacters, type Vault } from '../vault/vault.ts'
import { type CatalogueConfig, createCatalogue } from './catalogue.ts'
import { findNamedModels } from './named-models.ts'
import type { ProviderDefinition, StatelessRoute } from './provider.ts'
import { createFindCallUsage, type FindCallUsage } from './readers/call-usage.ts'
import { createStatelessRoutes } from './stateless-routes.ts'
import { findStoredThing, type JsonObject } from './stored-things.ts'

export type { KeySlot, KeySource, StatelessRoute } from './provider.ts'
export type { AskedUsage } from './readers/asked-usage.ts'
export type { CallUsage } from './readers/call-usage.ts'
export type { UsageReader } from './readers/usage-reader.ts'
export type { JsonObject } from './stored-things.ts'
export { createVapiCalls, type VapiCaller, type VapiCalls } from './vapi-calls.ts'
export type { VapiAnswer } from './vapi-client.ts'

export type Provider = Omit<ProviderDefinition, 'statelessRoutes' | 'bodyRules' | 'usage'> & {
  /** Null: this route is not open on the shared key. */
  findStatelessRoute(method: string, path: string): StatelessRoute | null
  /** What in the body of a call on the shared key names or makes stored things, in words; null when nothing does. */
  findStoredThing(body: JsonObject): string | null
  /** Every model that a call names, in its path or body. */
  findNamedModels(path: string, body: JsonObject | null): string[]
  findCallUsage: FindCallUsage
}

/** Who calls, as far as keys are concerned. */
export type KeyUser = { clientId: number; maySpendShared: boolean }
export type ProviderKey = { secret: Secret; isShared: boolean }

export type Providers = {
  find(name: string): Provider | null
  /** For the admin: each provider with what may be shown of its shared key. */
  describe(): Promise<ProviderItem[]>
  /** The key that serves a call; null: none may. Without a promise when it is known freshly. Throws EngineAwayError. */
  chooseKey(provider: Provider, user: KeyUser): MaybePromise<ProviderKey | null>
  /** The operator's key: the one that the admin set, else the one of the environment. */
  openSharedKey(name: string): MaybePromise<Secret | null>
  /** For calls that the gateway makes itself: where the provider is, and the operator's key. Null: no such provider. */
  findAccess(name: string): Promise<{ baseUrl: string; key: Secret | null } | null>
}

export type ProvidersDependencies = {
  config: CatalogueConfig
  vault: Pick<Vault, 'openKey' | 'list'>
}

type Found = ProviderKey | null

export function createProviders({ config, vault }: ProvidersDependencies): Providers {
  const catalogue = new Map<string, Provider>()
  for (const [name, definition] of createCatalogue(config)) catalogue.set(name, toProvider(definition))

  function openSharedKey(name: string): MaybePromise<Secret | null> {
    const inEnvironment = config.providerEnvironment[name]?.apiKey ?? null
    return after(vault.openKey(null, name), (secret) => secret ?? inEnvironment)
  }
  const openShared = (name: string): MaybePromise<Found> =>
    after(openSharedKey(name), (secret) => secret && { secret, isShared: true })
  const openOwn = (name: string, clientId: number): MaybePromise<Found> =>
    after(vault.openKey(clientId, name), (secret) => secret && { secret, isShared: false })

  function chooseKey(
    { name, keySource }: Provider,
    { clientId, maySpendShared }: KeyUser,
  ): MaybePromise<Found> {
    const source = maySpendShared ? keySource : 'own'
    switch (source) {
      case 'own':
        return openOwn(name, clientId)
      case 'shared':
        return openShared(name)
      case 'own_else_shared':
        return after(openOwn(name, clientId), (own) => own ?? openShared(name))
      case null:
        return after(openShared(name), (shared) => shared ?? openOwn(name, clientId))
    }
  }

  return {
    find: (name) => catalogue.get(name) ?? null,
    describe: async () => {
      const stored = new Map((await vault.list(null)).map((info) => [info.provider, info]))
      return [...catalogue.values()].map((provider) => {
        const { apiKey } = config.providerEnvironment[provider.name] ?? { apiKey: null }
        const sharedKey = describeSharedKey(stored.get(provider.name), apiKey)
        return {
          name: provider.name,
          base_url: provider.baseUrl,
          key_source: provider.keySource ?? (sharedKey ? 'shared' : 'own'),
          priced_by: provider.pricedBy,
          shared_key: sharedKey,
        }
      })
    },
    chooseKey,
    openSharedKey,
    async findAccess(name) {
      const provider = catalogue.get(name)
      return provider ? { baseUrl: provider.baseUrl, key: await openSharedKey(name) } : null
    },
  }
}

function toProvider({ statelessRoutes, bodyRules, usage, ...definition }: ProviderDefinition): Provider {
  return {
    ...definition,
    findStatelessRoute: createStatelessRoutes(statelessRoutes),
    findStoredThing: (body) => findStoredThing(body, bodyRules),
    findNamedModels,
    findCallUsage: createFindCallUsage(usage),
  }
}

function describeSharedKey(
  stored: { last4: string; updatedAt: Date } | undefined,
  inEnvironment: Secret | null,
): ProviderItem['shared_key'] {
  if (stored) return { last4: stored.last4, updated_at: stored.updatedAt.toISOString(), source: 'admin' }
  if (!inEnvironment) return null
  return { last4: lastCharacters(inEnvironment.reveal()), updated_at: null, source: 'environment' }
}
