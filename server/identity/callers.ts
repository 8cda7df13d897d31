// Who a presented API key or device token is: from memory where change notices prove it current, else from the database.

import type { Clock } from '../lib/clock.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import type { Database, LastUsed } from '../store/store.ts'
import { isApiKeyShaped, isApiKeyText } from './api-key-text.ts'
import { type ApiKeyState, type DeviceState, readApiKeyState, readDeviceState } from './caller-rows.ts'
import type { Callers } from './caller-types.ts'
import type { CredentialCache } from './credential-cache.ts'
import { type DeviceTokens, isDeviceTokenShaped, type VerifiedToken } from './device-token.ts'
import type { Principal } from './principal.ts'
import type { UserCallers } from './user-callers.ts'

export function createCallers(dependencies: {
  database: Database
  apiKeyCache: CredentialCache<string, ApiKeyState>
  deviceCache: CredentialCache<number, DeviceState>
  tokens: DeviceTokens
  digest: KeyedDigest
  keyUses: LastUsed
  deviceUses: LastUsed
  clock: Clock
}): Omit<Callers, keyof UserCallers> {
  const { database, apiKeyCache, deviceCache, tokens, digest, keyUses, deviceUses, clock } = dependencies

  function acceptApiKey(state: ApiKeyState | null): Principal | null {
    if (!state?.principal || state.endsAtMs <= clock.now()) return null
    keyUses.touch(state)
    return state.principal
  }

  function acceptToken(state: DeviceState | null, token: VerifiedToken): Principal | null {
    if (!state?.principal || token.expiresAtMs <= clock.now()) return null
    if (state.epoch !== token.epoch) return null
    if (state.deviceId !== token.deviceId || state.customerId !== token.customerId) return null
    deviceUses.touch(state)
    return state.principal
  }

  function findDevice(token: VerifiedToken): Principal | null | Promise<Principal | null> {
    const known = deviceCache.peek(token.pk)
    if (known) return acceptToken(known, token)
    const found = deviceCache.load(token.pk, () => readDeviceState(database, token.pk))
    return found.then((state) => acceptToken(state, token))
  }

  return {
    isApiKeyShaped,
    // One that is remembered is recognised without reading it again.
    isDeviceTokenShaped: (text) => tokens.recall(text) !== undefined || isDeviceTokenShaped(text),

    authenticateApiKey(text) {
      if (!isApiKeyShaped(text)) return null
      const key = digest(text)
      const known = apiKeyCache.peek(key)
      if (known) return acceptApiKey(known)
      if (!isApiKeyText(text)) return null
      const bytes = Buffer.from(key, 'base64url')
      return apiKeyCache.load(key, () => readApiKeyState(database, bytes)).then(acceptApiKey)
    },

    authenticateDeviceToken(text) {
      const token = tokens.recall(text)
      if (token) return findDevice(token)
      return tokens.verify(text).then((verified) => verified && findDevice(verified))
    },
  }
}
