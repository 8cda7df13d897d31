// Devices: the routes of the admin API as typed functions.
import type { DeviceCreateRequest, DeviceItem } from '@sallyport/contract'
import type { Page } from './admin-api.ts'
import { type Query, request } from './request.ts'

/** With a secret, which no other answer shows. */
export type NewDeviceSecret = { device: DeviceItem; device_secret: string }

const pathOf = (deviceId: string) => `/devices/${encodeURIComponent(deviceId)}`

export const listDevices = (query: Query, signal?: AbortSignal) =>
  request<Page<DeviceItem>>('/devices', { query, signal })
export const registerDevice = (device: DeviceCreateRequest) =>
  request<NewDeviceSecret>('/devices', { method: 'POST', body: device })
export const revokeDevice = (deviceId: string) =>
  request<DeviceItem>(`${pathOf(deviceId)}/revoke`, { method: 'POST' })
export const reactivateDevice = (deviceId: string) =>
  request<DeviceItem>(`${pathOf(deviceId)}/reactivate`, { method: 'POST' })
export const rotateDeviceSecret = (deviceId: string, graceSeconds: number) =>
  request<NewDeviceSecret>(`${pathOf(deviceId)}/rotate-secret`, {
    method: 'POST',
    body: { grace_seconds: graceSeconds },
  })
