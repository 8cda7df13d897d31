// Clients and what they call with, put together: administration, authentication, and the memory between both.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { createKeyedDigest } from '../lib/keyed-digest.ts'
import type { Logger } from '../lib/logger.ts'
import { type Counters, createLastUsed, type Database, type Notices } from '../store/store.ts'
import { createApiKeyRows } from './api-key-rows.ts'
import { createApiKeys } from './api-keys.ts'
import type { ApiKeyState, DeviceState } from './caller-rows.ts'
import type {
  ApiKeys,
  Callers,
  Clients,
  CredentialHooks,
  Devices,
  SigningKeys,
  Users,
} from './caller-types.ts'
import { createCallers } from './callers.ts'
import { createClients } from './clients.ts'
import { createCredentialCache } from './credential-cache.ts'
import { openDevelopmentUser } from './development-user.ts'
import { createDeviceSessions } from './device-sessions.ts'
import { createDeviceTokens } from './device-token.ts'
import { createDevices } from './devices.ts'
import { createIdentityChanges } from './identity-changes.ts'
import type { Principal } from './principal.ts'
import { createSecretRows } from './secret-rows.ts'
import { createSigningRing } from './signing-ring.ts'
import { createUserIdentity, type UserIdentityConfig } from './user-identity.ts'
import type { UserState } from './user-rows.ts'
import { createUsers } from './users.ts'

export type CallerIdentity = Callers & {
  clients: Clients
  keys: ApiKeys
  devices: Devices
  users: Users
  signingKeys: SigningKeys
  /** Whoever sits at this machine, in development mode: user `dev`, a client of its own. Null: an admin suspended it. */
  openDevelopmentUser(): Promise<Principal | null>
  /** Stops timers and writes the last uses that are still held in memory. */
  close(): Promise<void>
}

export type CallerIdentityDependencies = {
  config: Pick<
    Config,
    'pepper' | 'masterKey' | 'masterKeyPrevious' | 'jwtSecret' | 'jwtSecretPrevious' | 'deviceTokenTtlSeconds'
  > &
    UserIdentityConfig
  database: Database
  counters: Counters
  notices: Notices
  hooks: CredentialHooks
  clock: Clock
  logger: Logger
}

/** Makes the first signing key of device tokens when there is none. */
export async function createCallerIdentity(
  dependencies: CallerIdentityDependencies,
): Promise<CallerIdentity> {
  const { config, database, counters, notices, hooks, clock, logger } = dependencies
  const ring = await createSigningRing({ config, database, notices, clock, logger })
  const digest = createKeyedDigest(config.pepper)
  const rememberedMax = config.cache.credentials_max
  const tokens = createDeviceTokens({ ring, clock, ttlSeconds: config.deviceTokenTtlSeconds, rememberedMax })

  const memory = { entriesMax: rememberedMax, isFresh: notices.isFresh }
  const apiKeyCache = createCredentialCache<string, ApiKeyState>(memory)
  const deviceCache = createCredentialCache<number, DeviceState>(memory)
  const userCache = createCredentialCache<string, UserState>(memory)
  const caches = [apiKeyCache, deviceCache, userCache]
  const changes = createIdentityChanges({ database, notices, caches })
  const keyUses = createUses({ database, table: 'api_keys', column: 'last_used_at', clock, logger })
  const deviceUses = createUses({ database, table: 'devices', column: 'last_seen_at', clock, logger })
  const userUses = createUses({ database, table: 'clients', column: 'last_seen_at', clock, logger })
  const userIdentity = createUserIdentity({
    ...{ config, database, counters, cache: userCache, uses: userUses, clock, logger },
  })

  const { bindCredential, removeClient } = hooks
  const keySecrets = createSecretRows({ table: 'api_key_secrets', owner: 'key_id' }, digest)
  const deviceSecrets = createSecretRows({ table: 'device_secrets', owner: 'device_pk' }, digest)
  const keyRows = createApiKeyRows({ secrets: keySecrets, bindCredential, clock })
  const devices = createDevices({ database, changes, secrets: deviceSecrets, bindCredential, clock })
  const sessions = createDeviceSessions({ database, tokens, digest, deviceUses, clock })

  return {
    ...createCallers({ database, apiKeyCache, deviceCache, tokens, digest, keyUses, deviceUses, clock }),
    ...userIdentity.callers,
    openDevelopmentUser: () => openDevelopmentUser(database, userUses),
    clients: createClients({ database, changes, keys: keyRows, removeClient }),
    keys: createApiKeys({ database, changes, rows: keyRows, clock }),
    devices: { ...devices, ...sessions },
    users: createUsers(database),
    signingKeys: { rotate: ring.rotate, status: ring.status },
    async close() {
      changes.close()
      ring.close()
      await Promise.all([keyUses.close(), deviceUses.close(), userUses.close(), userIdentity.close()])
    },
  }
}

function createUses(dependencies: {
  database: Database
  table: 'api_keys' | 'devices' | 'clients'
  column: 'last_used_at' | 'last_seen_at'
  clock: Clock
  logger: Logger
}) {
  const { database, table, column, clock, logger } = dependencies
  return createLastUsed({
    ...{ database, component: 'identity', clock, logger },
    write: (ids, at) =>
      database.query(
        `update ${table} set ${column} = $2 where id = any($1) and (${column} is null or ${column} < $2)`,
        [ids, at],
      ),
  })
}
