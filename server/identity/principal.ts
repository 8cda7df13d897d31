// Who a call is made for, once its credential has been found good: what every later step may know of the caller.
import type { ClientSettings } from '@sallyport/contract'

export type Principal = {
  kind: 'api_key' | 'device' | 'user'
  clientId: number
  /** external_id of the client. */
  customerId: string
  /** What its client has of its own: budgets, prices and the like. */
  settings: ClientSettings
  /** Names the credential in limits, usage and bindings: `api_key:7`, `device:12`, `user:5` (ids of rows). */
  credential: string
  /** Short mask for people and logs. */
  display: string
  /** Null: all. */
  scopes: readonly string[] | null
  models: readonly string[] | null
  /** Of the credential, and of its client; null: no limit. */
  requestsPerMinute: number | null
  clientRequestsPerMinute: number | null
  /** True: its calls are judged by the binding kept under digest(credential). */
  isBound: boolean
  /** May it call on shared provider keys at all (end users: only when the admin said so). */
  maySpendShared: boolean
  /** `sub` of the user token that the call was made with; null for any other credential. */
  userId: string | null
  device: { pk: number; deviceId: string; assistants: readonly string[] | null } | null
}
