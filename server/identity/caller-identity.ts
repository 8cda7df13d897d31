// Clients and what they call with, put together: administration, authentication, and the memory between both.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { createKeyedDigest } from '../lib/keyed-digest.ts'
import type { Logger } from '../lib/logger.ts'
import { createLastUsed, type Database, type Notices } from '../store/store.ts'
import { createApiKeyRows } from './api-key-rows.ts'
import { createApiKeys } from './api-keys.ts'
import type { ApiKeyState, DeviceState } from './caller-rows.ts'
import type { ApiKeys, Callers, Clients, CredentialHooks, Devices, SigningKeys } from './caller-types.ts'
import { createCallers } from './callers.ts'
import { createClients } from './clients.ts'
import { createCredentialCache } from './credential-cache.ts'
import { createDeviceSessions } from './device-sessions.ts'
import { createDeviceTokens } from './device-token.ts'
import { createDevices } from './devices.ts'
import { createIdentityChanges } from './identity-changes.ts'
import { createSecretRows } from './secret-rows.ts'
import { createSigningRing } from './signing-ring.ts'

export type CallerIdentity = Callers & {
  clients: Clients
  keys: ApiKeys
  devices: Devices
  signingKeys: SigningKeys
  /** Stops timers and writes the last uses that are still held in memory. */
  close(): Promise<void>
}

export type CallerIdentityDependencies = {
  config: Pick<
    Config,
    'pepper' | 'masterKey' | 'masterKeyPrevious' | 'jwtSecret' | 'jwtSecretPrevious' | 'deviceTokenTtlSeconds'
  > & { cache: Pick<Config['cache'], 'credentials_max'> }
  database: Database
  notices: Notices
  hooks: CredentialHooks
  clock: Clock
  logger: Logger
}

/** Makes the first signing key of device tokens when there is none. */
export async function createCallerIdentity(
  dependencies: CallerIdentityDependencies,
): Promise<CallerIdentity> {
  const { config, database, notices, hooks, clock, logger } = dependencies
  const ring = await createSigningRing({ config, database, notices, clock, logger })
  const digest = createKeyedDigest(config.pepper)
  const rememberedMax = config.cache.credentials_max
  const tokens = createDeviceTokens({ ring, clock, ttlSeconds: config.deviceTokenTtlSeconds, rememberedMax })

  const memory = { entriesMax: rememberedMax, isFresh: notices.isFresh }
  const apiKeyCache = createCredentialCache<string, ApiKeyState>(memory)
  const deviceCache = createCredentialCache<number, DeviceState>(memory)
  const changes = createIdentityChanges({ database, notices, caches: [apiKeyCache, deviceCache] })
  const keyUses = createUses({ database, table: 'api_keys', column: 'last_used_at', clock, logger })
  const deviceUses = createUses({ database, table: 'devices', column: 'last_seen_at', clock, logger })

  const { bindCredential, removeClient } = hooks
  const keySecrets = createSecretRows({ table: 'api_key_secrets', owner: 'key_id' }, digest)
  const deviceSecrets = createSecretRows({ table: 'device_secrets', owner: 'device_pk' }, digest)
  const keyRows = createApiKeyRows({ secrets: keySecrets, bindCredential, clock })
  const devices = createDevices({ database, changes, secrets: deviceSecrets, bindCredential, clock })
  const sessions = createDeviceSessions({ database, tokens, digest, deviceUses, clock })

  return {
    ...createCallers({ database, apiKeyCache, deviceCache, tokens, digest, keyUses, deviceUses, clock }),
    clients: createClients({ database, changes, keys: keyRows, removeClient }),
    keys: createApiKeys({ database, changes, rows: keyRows, clock }),
    devices: { ...devices, ...sessions },
    signingKeys: { rotate: ring.rotate, status: ring.status },
    async close() {
      changes.close()
      ring.close()
      await Promise.all([keyUses.close(), deviceUses.close()])
    },
  }
}

function createUses(dependencies: {
  database: Database
  table: 'api_keys' | 'devices'
  column: 'last_used_at' | 'last_seen_at'
  clock: Clock
  logger: Logger
}) {
  const { database, table, column, clock, logger } = dependencies
  return createLastUsed({
    component: 'identity',
    clock,
    logger,
    write: (ids, at) =>
      database.query(
        `update ${table} set ${column} = $2 where id = any($1) and (${column} is null or ${column} < $2)`,
        [ids, at],
      ),
  })
}
