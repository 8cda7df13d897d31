// A new device as it stands in a form, and as the server takes it.
import type { DeviceCreateRequest, KeyBinding } from '@sallyport/contract'
import { readEntries, readNumber } from '../../composables/typed-text.ts'

export type DeviceDraft = {
  deviceId: string
  /** Id of the client as text; empty: none is picked. */
  clientId: string
  name: string
  /** One a line. */
  assistants: string
  requestsPerMinute: string
}

/** Names of the fields as the server calls them in its errors. */
export const deviceFields = [
  'device_id',
  'client_id',
  'name',
  'assistants',
  'requests_per_minute',
  'binding',
  'mode',
  'allowed_ips',
] as const

export function deviceRequestOf(draft: DeviceDraft, binding: KeyBinding): DeviceCreateRequest {
  const name = draft.name.trim()
  const assistants = readEntries(draft.assistants)
  const limit = draft.requestsPerMinute.trim()
  const request = {
    device_id: draft.deviceId.trim(),
    ...(draft.clientId && { client_id: Number(draft.clientId) }),
    ...(name && { name }),
    ...(assistants && { assistants }),
    ...(limit && { requests_per_minute: readNumber(limit) }),
    binding,
  }
  return request as DeviceCreateRequest
}
