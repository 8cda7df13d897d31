// Providers and the operator's shared keys: the routes of the admin API as typed functions.
import type { ProviderItem, ProviderKeyItem } from '@sallyport/contract'
import { request } from './request.ts'

const keyPath = (provider: string) => `/providers/${encodeURIComponent(provider)}/key`

export const listProviders = (signal?: AbortSignal) =>
  request<{ items: ProviderItem[] }>('/providers', { signal })
export const setSharedKey = (provider: string, key: string) =>
  request<ProviderKeyItem>(keyPath(provider), { method: 'PUT', body: { api_key: key } })
export const removeSharedKey = (provider: string) => request<void>(keyPath(provider), { method: 'DELETE' })
