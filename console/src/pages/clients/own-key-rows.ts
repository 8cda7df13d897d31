// One row for each provider that a client can have a key of, and for each that it still has one of.
import type { ProviderItem, ProviderKeyItem } from '@sallyport/contract'

export type OwnKeyRow = {
  /** Name of the provider. */
  id: string
  /** Null: the client has no key of it. */
  last4: string | null
  updatedAt: string | null
  /** False: the provider left the configuration; its key can only be removed. */
  isConfigured: boolean
}

export function ownKeyRows(
  providers: readonly Pick<ProviderItem, 'name'>[],
  keys: readonly ProviderKeyItem[],
): OwnKeyRow[] {
  const configured = new Set(providers.map(({ name }) => name))
  const names = new Set([...configured, ...keys.map(({ provider }) => provider)])
  return [...names].map((id) => {
    const key = keys.find(({ provider }) => provider === id)
    return {
      id,
      last4: key?.last4 ?? null,
      updatedAt: key?.updated_at ?? null,
      isConfigured: configured.has(id),
    }
  })
}
