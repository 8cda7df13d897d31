// Cameras and alerts: the routes of the admin API as typed functions.
import type { AdminAlertItem, AdminCamerasPage } from '@sallyport/contract'
import type { Page } from './admin-api.ts'
import { type Query, request } from './request.ts'

export const listCameras = (query: Query, signal?: AbortSignal) =>
  request<AdminCamerasPage>('/cameras', { query, signal })
export const listAlerts = (query: Query, signal?: AbortSignal) =>
  request<Page<AdminAlertItem>>('/alerts', { query, signal })
