// The life of a device: registered for a client, revoked with all its tokens, its secret rotated.
import { AppError, type DeviceCreateRequest, type DeviceItem } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { createConditions, type Database, type Queryable, selectPage } from '../store/store.ts'
import { makeDeviceSecret } from './api-key-text.ts'
import type { CredentialHooks, Devices, RecordChange } from './caller-types.ts'
import { bindFixedRule, policyOf } from './credential-rule.ts'
import {
  type DeviceRow,
  deviceColumns,
  deviceCredential,
  devicesWithClient,
  lockDevice,
  toDeviceItem,
} from './device-rows.ts'
import { deviceTag, type IdentityChanges } from './identity-changes.ts'
import type { SecretRows } from './secret-rows.ts'

export type DeviceAdministration = Pick<
  Devices,
  'list' | 'get' | 'register' | 'revoke' | 'reactivate' | 'rotateSecret'
>

export function createDevices(dependencies: {
  database: Database
  changes: IdentityChanges
  secrets: SecretRows
  bindCredential: CredentialHooks['bindCredential']
  clock: Clock
}): DeviceAdministration {
  const { database, changes, secrets, bindCredential, clock } = dependencies

  /** Locks the device, lets `work` change it and records that; null for an unknown one. */
  async function change(
    deviceId: string,
    { action, record }: { action: string; record: RecordChange },
    work: (tx: Queryable, row: DeviceRow) => Promise<DeviceRow>,
  ): Promise<DeviceItem | null> {
    return changes.commit(async (tx, touch) => {
      const row = await lockDevice(tx, deviceId)
      if (!row) return null
      touch(deviceTag(row.id))
      const after = toDeviceItem(await work(tx, row))
      await record(tx, { action, target: `device ${deviceId}`, before: toDeviceItem(row), after })
      return after
    })
  }

  return {
    async list(query) {
      const conditions = createConditions()
      if (query.client_id !== undefined) conditions.add((value) => `client_id = ${value}`, query.client_id)
      const page = await selectPage<DeviceRow>(database, {
        table: devicesWithClient,
        columns: deviceColumns,
        order: ['id'],
        conditions,
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map(toDeviceItem) }
    },

    async get(deviceId) {
      const { rows } = await database.query<DeviceRow>(
        `select ${deviceColumns} from ${devicesWithClient} where device_id = $1`,
        [deviceId],
      )
      return rows[0] ? toDeviceItem(rows[0]) : null
    },

    register: (input, record) =>
      changes.commit(async (tx) => {
        const row = await insertDevice(tx, input)
        const deviceSecret = makeDeviceSecret()
        await secrets.insert(tx, row.id, deviceSecret)
        const of = { credential: deviceCredential(row.id), display: row.device_id, clientId: row.client_id }
        await bindFixedRule(tx, bindCredential, { binding: input.binding, ...of })
        const device = toDeviceItem(row)
        const target = `device ${device.device_id}`
        await record(tx, { action: 'device.register', target, before: null, after: device })
        return { device, deviceSecret }
      }),

    revoke: (deviceId, record) =>
      change(deviceId, { action: 'device.revoke', record }, (tx, row) =>
        // The next epoch ends every token that carries this one, also for after a reactivation.
        updateDevice(tx, { ...row, active: false, epoch: row.epoch + 1 }),
      ),

    reactivate: (deviceId, record) =>
      change(deviceId, { action: 'device.reactivate', record }, (tx, row) =>
        updateDevice(tx, { ...row, active: true }),
      ),

    async rotateSecret(deviceId, graceSeconds, record) {
      const deviceSecret = makeDeviceSecret()
      const rotation = { secret: deviceSecret, graceMs: graceSeconds * 1000, nowMs: clock.now() }
      const device = await change(deviceId, { action: 'device.rotate_secret', record }, async (tx, row) => {
        await secrets.replace(tx, row.id, rotation)
        return row
      })
      return device && { device, deviceSecret }
    },
  }
}

async function insertDevice(tx: Queryable, input: DeviceCreateRequest): Promise<DeviceRow> {
  const client = await findClient(tx, input)
  const { rows } = await tx.query<Omit<DeviceRow, 'customer_id'>>(
    `insert into devices (device_id, client_id, name, binding_policy, assistants, requests_per_minute)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (device_id) do nothing returning *`,
    [
      ...[input.device_id, client.id, input.name, policyOf(input.binding)],
      ...[input.assistants, input.requests_per_minute],
    ],
  )
  if (rows[0]) return { ...rows[0], customer_id: client.external_id }
  throw new AppError('conflict', { message: `device_id: there is a device "${input.device_id}" already.` })
}

/** The client that the request names, held until the transaction ends. */
async function findClient(
  tx: Queryable,
  input: DeviceCreateRequest,
): Promise<{ id: number; external_id: string }> {
  const { rows } = await tx.query<{ id: number; external_id: string }>(
    'select id, external_id from clients where id = $1 or external_id = $2 for key share',
    [input.client_id, input.customer_id],
  )
  if (rows[0]) return rows[0]
  const [field, value] =
    input.client_id === undefined ? ['customer_id', input.customer_id] : ['client_id', input.client_id]
  throw new AppError('malformed_request', { message: `${field}: there is no client "${value}".` })
}

async function updateDevice(tx: Queryable, row: DeviceRow): Promise<DeviceRow> {
  const { rowCount } = await tx.query(
    'update devices set active = $3, epoch = $4 where id = $1 and client_id = $2',
    [row.id, row.client_id, row.active, row.epoch],
  )
  if (rowCount !== 1) throw new Error('a locked device vanished')
  return row
}
