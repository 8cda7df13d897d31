// Devices in tables.
import type { DeviceItem } from '@sallyport/contract'
import { type Column, formatAge, formatTime } from './table.ts'
import type { Terminal } from './terminal.ts'

export function deviceColumns(terminal: Terminal): Column<DeviceItem>[] {
  return [
    { title: 'DEVICE', cell: (device) => device.device_id },
    { title: 'CLIENT', cell: (device) => device.customer_id },
    { title: 'NAME', cell: (device) => device.name ?? '-' },
    { title: 'STATUS', cell: (device) => (device.active ? 'active' : 'revoked') },
    { title: 'CREATED', cell: (device) => formatTime(device.created_at) },
    { title: 'LAST SEEN', cell: (device) => formatAge(device.last_seen_at, terminal.now()) },
  ]
}
