// End users put together: the issuer's keys, their tokens, and the memory of who they are.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Counters, Database, LastUsed } from '../store/store.ts'
import type { CredentialCache } from './credential-cache.ts'
import { createIssuerClient } from './issuer-client.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import { createUserCallers, noUserCallers, type UserCallers } from './user-callers.ts'
import type { UserState } from './user-rows.ts'
import { createUserTokens } from './user-token.ts'

export type UserIdentity = { callers: UserCallers; close(): Promise<void> }

export type UserIdentityConfig = Pick<
  Config,
  'oidcIssuer' | 'oidcAudience' | 'oidcJwksUrl' | 'usersNewPerMinute'
> & { cache: Pick<Config['cache'], 'credentials_max'> }

/** Asks the issuer for its keys in the background, so that a wrong setting shows in the log of the start. */
export function createUserIdentity(dependencies: {
  config: UserIdentityConfig
  database: Database
  counters: Counters
  cache: CredentialCache<string, UserState>
  uses: LastUsed
  clock: Clock
  logger: Logger
}): UserIdentity {
  const { config, database, counters, cache, uses, clock, logger } = dependencies
  const { oidcIssuer: issuer, oidcAudience: audiences, oidcJwksUrl: jwksUrl } = config
  if (issuer === null) return { callers: noUserCallers, close: async () => undefined }
  const client = createIssuerClient({ issuer, jwksUrl, clock })
  const keys = createIssuerKeys({ client, onChange: () => tokens.forget(), clock, logger })
  const rememberedMax = config.cache.credentials_max
  const tokens = createUserTokens({ issuer, audiences, keys, clock, rememberedMax })
  keys.warmUp()
  const newPerMinute = config.usersNewPerMinute
  return {
    callers: createUserCallers({ database, counters, cache, uses, tokens, newPerMinute, clock }),
    close: keys.close,
  }
}
