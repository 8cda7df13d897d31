// Clients, their API keys, provider keys, budgets and payment details: the routes of the admin API as typed functions.
import type {
  BudgetsAnswer,
  ClientBudgets,
  ClientCreateRequest,
  ClientItem,
  ClientPatchRequest,
  KeyCreateRequest,
  KeyItem,
  PaymentDetails,
  PaymentDetailsRequest,
  ProviderKeyItem,
} from '@sallyport/contract'
import type { Page } from './admin-api.ts'
import { type Query, request } from './request.ts'

/** With its first key, which no other answer shows. */
export type NewClient = { client: ClientItem; api_key: string }
export type NewKey = { key: KeyItem; api_key: string }

export const listClients = (query: Query, signal?: AbortSignal) =>
  request<Page<ClientItem>>('/clients', { query, signal })
export const readClient = (id: number, signal?: AbortSignal) =>
  request<ClientItem>(`/clients/${id}`, { signal })
export const createClient = (client: ClientCreateRequest) =>
  request<NewClient>('/clients', { method: 'POST', body: client })
export const changeClient = (id: number, changes: ClientPatchRequest) =>
  request<ClientItem>(`/clients/${id}`, { method: 'PATCH', body: changes })
export const suspendClient = (id: number) => request<ClientItem>(`/clients/${id}/revoke`, { method: 'POST' })
export const reactivateClient = (id: number) =>
  request<ClientItem>(`/clients/${id}/reactivate`, { method: 'POST' })
/** What is not yet invoiced of its usage is invoiced with it, or dropped. */
export const deleteClient = (id: number, usage: 'invoice' | 'drop') =>
  request<ClientItem>(`/clients/${id}`, { method: 'DELETE', query: { usage } })

export const listKeys = (clientId: number, query: Query, signal?: AbortSignal) =>
  request<Page<KeyItem>>(`/clients/${clientId}/keys`, { query, signal })
export const createKey = (clientId: number, key: KeyCreateRequest) =>
  request<NewKey>(`/clients/${clientId}/keys`, { method: 'POST', body: key })
export const revokeKey = (id: number) => request<KeyItem>(`/keys/${id}/revoke`, { method: 'POST' })
export const reactivateKey = (id: number) => request<KeyItem>(`/keys/${id}/reactivate`, { method: 'POST' })
export const rotateKey = (id: number, graceSeconds: number) =>
  request<NewKey>(`/keys/${id}/rotate`, { method: 'POST', body: { grace_seconds: graceSeconds } })

const ownKeyPath = (clientId: number, provider: string) =>
  `/clients/${clientId}/provider-keys/${encodeURIComponent(provider)}`
export const listOwnProviderKeys = (clientId: number, signal?: AbortSignal) =>
  request<{ items: ProviderKeyItem[] }>(`/clients/${clientId}/provider-keys`, { signal })
export const setOwnProviderKey = (clientId: number, provider: string, key: string) =>
  request<ProviderKeyItem>(ownKeyPath(clientId, provider), { method: 'PUT', body: { api_key: key } })
export const removeOwnProviderKey = (clientId: number, provider: string) =>
  request<void>(ownKeyPath(clientId, provider), { method: 'DELETE' })

export const readBudgets = (clientId: number, signal?: AbortSignal) =>
  request<BudgetsAnswer>(`/clients/${clientId}/budgets`, { signal })
export const setBudgets = (clientId: number, budgets: ClientBudgets) =>
  request<BudgetsAnswer>(`/clients/${clientId}/budgets`, { method: 'PUT', body: budgets })
export const readPaymentDetails = (clientId: number, signal?: AbortSignal) =>
  request<PaymentDetails>(`/clients/${clientId}/payment-details`, { signal })
export const setPaymentDetails = (clientId: number, details: PaymentDetailsRequest) =>
  request<PaymentDetails>(`/clients/${clientId}/payment-details`, { method: 'PUT', body: details })
