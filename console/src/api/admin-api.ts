// The admin API as typed functions, one for each route that the console calls.
import type {
  AuditItem,
  BindingItem,
  DashboardAnswer,
  GatewayAnswer,
  InterceptItem,
  Settings,
  SettingsRequest,
} from '@sallyport/contract'
import { type Query, request, urlOf } from './request.ts'

export type Page<Item> = {
  items: Item[]
  total: number
  total_is_estimate?: true
  page: number
  page_size: number
}
export type BindingMode = BindingItem['mode']
export type Rule = { mode: BindingMode; allowed_ips: string[] }
export type AuditVerification = { ok: boolean; rows: number; first_bad_id: number | null }
type SessionAnswer = { expires_in: number }

export const signIn = (password: string) =>
  request<SessionAnswer>('/session', { method: 'POST', body: { password } })
export const signOut = () => request<void>('/session', { method: 'DELETE' })
export const readSession = () => request<SessionAnswer>('/session')

export const readGateway = (signal?: AbortSignal) => request<GatewayAnswer>('/gateway', { signal })
export const readDashboard = (signal?: AbortSignal) => request<DashboardAnswer>('/dashboard', { signal })

export const listBindings = (query: Query, signal?: AbortSignal) =>
  request<Page<BindingItem>>('/bindings', { query, signal })
export const createBinding = (binding: Rule & { token: string }) =>
  request<BindingItem>('/bindings', { method: 'POST', body: binding })
export const changeRule = (rule: Rule & { id: number }) =>
  request<BindingItem>('/bindings/ip', { method: 'PUT', body: rule })
export const unbind = (id: number) =>
  request<BindingItem>('/bindings/unbind', { method: 'POST', body: { id } })
export const ban = (id: number) => request<BindingItem>('/bindings/ban', { method: 'POST', body: { id } })
export const unban = (id: number) => request<BindingItem>('/bindings/unban', { method: 'POST', body: { id } })

export const listIntercepts = (query: Query, signal?: AbortSignal) =>
  request<Page<InterceptItem>>('/logs', { query, signal })
/** Address of the CSV file; the browser downloads it as it streams. */
export const interceptExportUrl = (query: Query) => urlOf('/logs/export', query)

export const readSettings = (signal?: AbortSignal) => request<Settings>('/settings', { signal })
export const changeSettings = (settings: SettingsRequest) =>
  request<Settings>('/settings', { method: 'PUT', body: settings })

export const listAudit = (query: Query, signal?: AbortSignal) =>
  request<Page<AuditItem>>('/audit', { query, signal })
export const verifyAudit = () => request<AuditVerification>('/audit/verify')
