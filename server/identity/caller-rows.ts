// What a credential stands for, read with one query each: the whole truth that a call is judged by.
import type { Database, UsedRow } from '../store/store.ts'
import { apiKeyCredential } from './api-key-rows.ts'
import { readSettings } from './client-rows.ts'
import type { Found } from './credential-cache.ts'
import type { BindingPolicy } from './credential-rule.ts'
import { deviceCredential } from './device-rows.ts'
import { apiKeyTag, clientTag, deviceTag } from './identity-changes.ts'
import type { Principal } from './principal.ts'

/** An old answer must not arrive: after this the call fails rather than be judged by it. */
export const lookUpDeadlineMs = 1000

/** `principal` is null while key, device or client are not to be accepted, whatever the moment. */
export type ApiKeyState = UsedRow & { principal: Principal | null; endsAtMs: number }
export type DeviceState = UsedRow & {
  deviceId: string
  customerId: string
  epoch: number
  principal: Principal | null
}

export type ClientColumns = {
  client_id: number
  external_id: string
  client_status: 'active' | 'suspended'
  issuer: string | null
  shared_keys: boolean
  settings: string
}
/** Of the table `clients`, as `ClientColumns` names them. */
export const clientColumnsOf = `clients.id as client_id, clients.external_id, clients.status as client_status, clients.issuer,
  clients.shared_keys, clients.settings`

type ApiKeyColumns = ClientColumns & {
  id: number
  display: string
  revoked_at: Date | null
  expires_at: Date | null
  ends_at: Date | null
  scopes: string[] | null
  models: string[] | null
  requests_per_minute: number | null
  binding_policy: BindingPolicy
}

/** The key that has a secret of this digest; null when there is none. */
export async function readApiKeyState(
  database: Database,
  digest: Buffer,
): Promise<Found<ApiKeyState> | null> {
  const { rows } = await database.query<ApiKeyColumns>(
    `select k.id, k.display, k.revoked_at, k.expires_at, s.ends_at, k.scopes, k.models, k.requests_per_minute,
       k.binding_policy, ${clientColumnsOf}
     from api_key_secrets s join api_keys k on k.id = s.key_id join clients on clients.id = k.client_id
     where s.digest = $1`,
    [digest],
    { deadlineMs: lookUpDeadlineMs },
  )
  const [row] = rows
  if (!row) return null
  const ends = [row.expires_at, row.ends_at].map((date) => date?.getTime() ?? Number.POSITIVE_INFINITY)
  const isAccepted = row.revoked_at === null && row.client_status === 'active'
  const value = {
    id: row.id,
    touched: false,
    endsAtMs: Math.min(...ends),
    principal: isAccepted ? toApiKeyPrincipal(row) : null,
  }
  return { value, tags: [apiKeyTag(row.id), clientTag(row.client_id)] }
}

type DeviceColumns = ClientColumns & {
  id: number
  device_id: string
  active: boolean
  epoch: number
  binding_policy: BindingPolicy
  assistants: string[] | null
  requests_per_minute: number | null
}

/** Null when there is no device with this row id. */
export async function readDeviceState(database: Database, pk: number): Promise<Found<DeviceState> | null> {
  const { rows } = await database.query<DeviceColumns>(
    `select d.id, d.device_id, d.active, d.epoch, d.binding_policy, d.assistants, d.requests_per_minute,
       ${clientColumnsOf}
     from devices d join clients on clients.id = d.client_id where d.id = $1`,
    [pk],
    { deadlineMs: lookUpDeadlineMs },
  )
  const [row] = rows
  if (!row) return null
  const value = {
    id: row.id,
    touched: false,
    deviceId: row.device_id,
    customerId: row.external_id,
    epoch: row.epoch,
    principal: row.active && row.client_status === 'active' ? toDevicePrincipal(row) : null,
  }
  return { value, tags: [deviceTag(row.id), clientTag(row.client_id)] }
}

function toApiKeyPrincipal(row: ApiKeyColumns): Principal {
  return Object.freeze({
    ...clientPart(row),
    kind: 'api_key',
    credential: apiKeyCredential(row.id),
    display: row.display,
    scopes: row.scopes,
    models: row.models,
    requestsPerMinute: row.requests_per_minute,
    isBound: row.binding_policy === 'bound',
    userId: null,
    device: null,
  })
}

function toDevicePrincipal(row: DeviceColumns): Principal {
  return Object.freeze({
    ...clientPart(row),
    kind: 'device',
    credential: deviceCredential(row.id),
    display: row.device_id,
    scopes: null,
    models: null,
    requestsPerMinute: row.requests_per_minute,
    isBound: row.binding_policy === 'bound',
    userId: null,
    device: { pk: row.id, deviceId: row.device_id, assistants: row.assistants },
  })
}

/** What a principal has of its client. */
export function clientPart(row: ClientColumns) {
  const settings = readSettings(row.settings)
  return {
    clientId: row.client_id,
    customerId: row.external_id,
    settings,
    clientRequestsPerMinute: settings.requests_per_minute ?? null,
    maySpendShared: row.issuer === null || row.shared_keys,
  }
}
