// Rows of devices, and what the code makes of them.
import type { DeviceInfo, DeviceItem } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import type { BindingPolicy } from './credential-rule.ts'

export type DeviceRow = {
  id: number
  device_id: string
  client_id: number
  customer_id: string
  name: string | null
  active: boolean
  epoch: number
  binding_policy: BindingPolicy
  requests_per_minute: number | null
  created_at: Date
  last_seen_at: Date | null
}

/** The row with the external id of its client, as a list sees it. */
export const devicesWithClient = `(select devices.*, clients.external_id as customer_id from devices join clients on clients.id = devices.client_id) as devices`
export const deviceColumns =
  'id, device_id, client_id, customer_id, name, active, epoch, binding_policy, requests_per_minute, created_at, last_seen_at'

export function toDeviceInfo(row: DeviceRow): DeviceInfo {
  return {
    device_id: row.device_id,
    customer_id: row.customer_id,
    name: row.name,
    active: row.active,
    created_at: row.created_at.toISOString(),
  }
}

export function toDeviceItem(row: DeviceRow): DeviceItem {
  return {
    ...toDeviceInfo(row),
    client_id: row.client_id,
    requests_per_minute: row.requests_per_minute,
    last_seen_at: row.last_seen_at?.toISOString() ?? null,
  }
}

/** Its name in limits, usage and bindings. */
export function deviceCredential(pk: number): string {
  return `device:${pk}`
}

/** The device, locked until the transaction ends; null when there is none. */
export async function lockDevice(tx: Queryable, deviceId: string): Promise<DeviceRow | null> {
  const { rows } = await tx.query<DeviceRow>(
    `select devices.*, clients.external_id as customer_id from devices join clients on clients.id = devices.client_id
     where device_id = $1 for update of devices`,
    [deviceId],
  )
  return rows[0] ?? null
}
