// How a device comes by tokens: it trades its secret for one, and a good one for the next.
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import type { Database, LastUsed } from '../store/store.ts'
import { lookUpDeadlineMs } from './caller-rows.ts'
import type { Devices, DeviceToken } from './caller-types.ts'
import { type DeviceRow, toDeviceInfo } from './device-rows.ts'
import type { DeviceTokens } from './device-token.ts'
import type { Principal } from './principal.ts'
import { digestBytes } from './secret-rows.ts'

export type DeviceSessions = Pick<Devices, 'authenticate' | 'refresh' | 'info'>

type PresentedRow = DeviceRow & { client_status: 'active' | 'suspended'; digests: Buffer[] }

/** Compared with where there is no device, so that an unknown one takes as long as a wrong secret. */
const noDigest = Buffer.alloc(32)

export function createDeviceSessions(dependencies: {
  database: Database
  tokens: DeviceTokens
  digest: KeyedDigest
  deviceUses: LastUsed
  clock: Clock
}): DeviceSessions {
  const { database, tokens, digest, deviceUses, clock } = dependencies

  /** A token for the device as it stands now; null when it may have none. */
  async function issue(row: PresentedRow): Promise<DeviceToken | null> {
    if (!row.active || row.client_status !== 'active') return null
    deviceUses.touch({ id: row.id, touched: false })
    const { id: pk, epoch, device_id: deviceId, customer_id: customerId } = row
    return tokens.issue({ pk, epoch, deviceId, customerId })
  }

  /** The row of an authenticated device; null when it has gone since. */
  async function readOwn(principal: Principal): Promise<PresentedRow | null> {
    if (!principal.device) return null
    const row = await readPresented(database, principal.device.deviceId, new Date(clock.now()))
    return row?.id === principal.device.pk ? row : null
  }

  return {
    async authenticate(deviceId, secret) {
      const presented = digestBytes(digest, secret)
      const row = await readPresented(database, deviceId, new Date(clock.now()))
      const stored = row && row.digests.length > 0 ? row.digests : [noDigest]
      const right = stored.filter((digest) => timingSafeEqual(digest, presented))
      const token = row && right.length > 0 ? await issue(row) : null
      return row && token && { token, info: toDeviceInfo(row) }
    },

    async refresh(principal) {
      const row = await readOwn(principal)
      return row && issue(row)
    },

    async info(principal) {
      const row = await readOwn(principal)
      return row && toDeviceInfo(row)
    },
  }
}

/** The device with the digests that open it at `now`; null when there is none. */
async function readPresented(database: Database, deviceId: string, now: Date): Promise<PresentedRow | null> {
  const { rows } = await database.query<PresentedRow>(
    `select devices.*, clients.external_id as customer_id, clients.status as client_status,
       array(select digest from device_secrets where device_pk = devices.id and (ends_at is null or ends_at > $2)) as digests
     from devices join clients on clients.id = devices.client_id where device_id = $1`,
    [deviceId, now],
    { deadlineMs: lookUpDeadlineMs },
  )
  return rows[0] ?? null
}
