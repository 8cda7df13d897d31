// What the identity room offers about clients and their credentials; the door passes these types on.
import type {
  ClientCreateRequest,
  ClientItem,
  ClientPatchRequest,
  ClientsQuery,
  DeviceCreateRequest,
  DeviceInfo,
  DeviceItem,
  DevicesQuery,
  KeyCreateRequest,
  KeyItem,
  UserItem,
  UsersQuery,
} from '@sallyport/contract'
import type { IpAddress } from '../lib/ip-address.ts'
import type { Secret } from '../lib/secret.ts'
import type { Page, Queryable } from '../store/store.ts'
import type { Principal } from './principal.ts'

/** Writes an admin's change into the audit chain, inside the transaction that makes the change. */
export type RecordChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

/** What becomes of usage that is not yet invoiced when its client is deleted; by default it is invoiced. */
export type UnbilledUsage = 'invoice' | 'drop'

export type ClientDescription = Pick<ClientItem, 'id' | 'name' | 'external_id' | 'email'>

/** Clients. Null: there is none with this id. */
export type Clients = {
  list(query: ClientsQuery): Promise<Page<ClientItem>>
  get(id: number): Promise<ClientItem | null>
  /** With a first key. Throws AppError `conflict` naming the field that another client has already. */
  create(input: ClientCreateRequest, record: RecordChange): Promise<{ client: ClientItem; apiKey: Secret }>
  update(id: number, patch: ClientPatchRequest, record: RecordChange): Promise<ClientItem | null>
  /** When it resolves, none of the client's credentials is accepted by this process any more; by others within 1 s. */
  suspend(id: number, record: RecordChange): Promise<ClientItem | null>
  /** Keys and devices that were revoked one by one stay revoked. */
  reactivate(id: number, record: RecordChange): Promise<ClientItem | null>
  /** Answers the client as it was. Its keys, devices and what the hooks remove are gone in the same transaction. */
  delete(id: number, record: RecordChange, usage?: UnbilledUsage): Promise<ClientItem | null>
  /** Those of `ids` that exist, in one query. */
  describe(queryable: Queryable, ids: readonly number[]): Promise<ClientDescription[]>
}

/** An end user, without what other rooms know of it. */
export type User = Omit<UserItem, 'providers' | 'onboarding'>

/** End users. They are suspended, changed and deleted as the clients that they are. */
export type Users = {
  list(query: UsersQuery): Promise<Page<User>>
  /** Null: there is no client with this id, or it is no end user. */
  get(clientId: number): Promise<User | null>
}

/** API keys. Null: there is no such key (list, create: no such client). */
export type ApiKeys = {
  list(clientId: number, query: { page: number; page_size: number }): Promise<Page<KeyItem> | null>
  create(
    clientId: number,
    input: KeyCreateRequest,
    record: RecordChange,
  ): Promise<{ key: KeyItem; apiKey: Secret } | null>
  revoke(id: number, record: RecordChange): Promise<KeyItem | null>
  reactivate(id: number, record: RecordChange): Promise<KeyItem | null>
  /** The id stays; the secret of before works for `graceSeconds` more. Throws AppError `conflict` for a revoked key. */
  rotate(
    id: number,
    graceSeconds: number,
    record: RecordChange,
  ): Promise<{ key: KeyItem; apiKey: Secret } | null>
}

export type DeviceToken = { accessToken: Secret; expiresInSeconds: number }

/** Devices. Null: there is none with this `device_id`. */
export type Devices = {
  list(query: DevicesQuery): Promise<Page<DeviceItem>>
  get(deviceId: string): Promise<DeviceItem | null>
  /** Throws AppError `conflict` for a `device_id` that is taken, `malformed_request` for a client that is not there. */
  register(
    input: DeviceCreateRequest,
    record: RecordChange,
  ): Promise<{ device: DeviceItem; deviceSecret: Secret }>
  /** Ends every token of the device for good, also for after a reactivation. */
  revoke(deviceId: string, record: RecordChange): Promise<DeviceItem | null>
  reactivate(deviceId: string, record: RecordChange): Promise<DeviceItem | null>
  rotateSecret(
    deviceId: string,
    graceSeconds: number,
    record: RecordChange,
  ): Promise<{ device: DeviceItem; deviceSecret: Secret } | null>
  /** Null alike for an unknown or inactive device, a wrong secret and a suspended client. Throws EngineAwayError. */
  authenticate(deviceId: string, secret: string): Promise<{ token: DeviceToken; info: DeviceInfo } | null>
  /** Another token for a device that was authenticated by one; null when it is no longer good. */
  refresh(device: Principal): Promise<DeviceToken | null>
  info(device: Principal): Promise<DeviceInfo | null>
}

export type SigningKeyStatus = {
  /** Where the signing secrets come from. */
  source: 'environment' | 'generated'
  keys: { kid: string; signs: boolean; createdAt: Date | null; retiredAt: Date | null }[]
}

export type SigningKeys = {
  /** Throws AppError `conflict`, saying what to do instead, while JWT_SECRET is set. */
  rotate(record: RecordChange): Promise<{ kid: string }>
  status(): Promise<SigningKeyStatus>
}

/** Credentials of calls. Null: not a valid one, whatever the reason. Throws EngineAwayError when that cannot be told. */
export type Callers = {
  /** `sp_…`, valid or not. */
  isApiKeyShaped(text: string): boolean
  /** A JWT that says it is a device token, valid or not. */
  isDeviceTokenShaped(text: string): boolean
  /** A JWT that says it is of the issuer of user tokens, valid or not. */
  isUserTokenShaped(text: string): boolean
  /** These answer without a promise when the credential was seen lately: the usual case. */
  authenticateApiKey(text: string): Principal | null | Promise<Principal | null>
  authenticateDeviceToken(text: string): Principal | null | Promise<Principal | null>
  /**
   * The first good token of a new user makes its client. Throws AppError `too_many_new_users` when too many of these come
   * from `address`, `issuer_unavailable` while the issuer's keys have never been known.
   */
  authenticateUserToken(text: string, address: IpAddress): Principal | null | Promise<Principal | null>
}

/** What other rooms have to do when credentials come and go; `main` connects them, identity knows no other room. */
export type CredentialHooks = {
  /** Gives a new credential (as in `Principal.credential`) a fixed rule. Throws AppError `malformed_request` for a bad rule. */
  bindCredential(
    tx: Queryable,
    input: {
      credential: string
      display: string
      clientId: number
      rule: { mode: 'single' | 'multiple' | 'all'; allowedIps: readonly string[] }
    },
  ): Promise<void>
  /** The client is deleted in this transaction: what other rooms keep of it, and of these credentials, goes with it. */
  removeClient(
    tx: Queryable,
    gone: { clientId: number; credentials: readonly string[]; usage: UnbilledUsage },
  ): Promise<void>
}
