// Who a presented user token is: its client, made at the first valid token of a new user.
import { AppError } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { type IpAddress, rangeAround } from '../lib/ip-address.ts'
import type { Counters, Database, LastUsed } from '../store/store.ts'
import type { Callers } from './caller-types.ts'
import type { CredentialCache, Found } from './credential-cache.ts'
import type { Principal } from './principal.ts'
import { insertUser, readUserState, type UserState } from './user-rows.ts'
import type { UserTokens, VerifiedUser } from './user-token.ts'

export type UserCallers = Pick<Callers, 'isUserTokenShaped' | 'authenticateUserToken'>

const windowMs = 60_000

/** Without an issuer nobody is an end user. */
export const noUserCallers: UserCallers = {
  isUserTokenShaped: () => false,
  authenticateUserToken: () => null,
}

export function createUserCallers(dependencies: {
  database: Database
  counters: Counters
  cache: CredentialCache<string, UserState>
  uses: LastUsed
  tokens: UserTokens
  /** 0: no limit. */
  newPerMinute: number
  clock: Clock
}): UserCallers {
  const { database, counters, cache, uses, tokens, newPerMinute, clock } = dependencies

  /** A new client is a row for good: whoever can sign up at the issuer as often as he likes makes only so many. */
  async function admitNew(address: IpAddress): Promise<void> {
    if (newPerMinute === 0) return
    const key = `new user:${rangeAround(address, address.family === 6 ? 64 : 32).text}`
    const { count, resetMs } = await counters.increment(key, windowMs)
    if (count <= newPerMinute) return
    throw new AppError('too_many_new_users', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) })
  }

  async function findOrMake(user: VerifiedUser, address: IpAddress): Promise<Found<UserState> | null> {
    const found = await readUserState(database, user)
    if (found) return found
    await admitNew(address)
    await insertUser(database, user)
    return readUserState(database, user)
  }

  function accept(state: UserState | null): Principal | null {
    if (!state?.principal) return null
    uses.touch(state)
    return state.principal
  }

  function findUser(user: VerifiedUser, address: IpAddress): Principal | null | Promise<Principal | null> {
    if (user.expiresAtMs <= clock.now()) return null
    const known = cache.peek(user.subject)
    if (known) return accept(known)
    return cache.load(user.subject, () => findOrMake(user, address)).then(accept)
  }

  return {
    // One that is remembered is recognised without reading it again.
    isUserTokenShaped: (text) => tokens.recall(text) !== undefined || tokens.isShaped(text),
    authenticateUserToken(text, address) {
      const user = tokens.recall(text)
      if (user) return findUser(user, address)
      return tokens.verify(text).then((verified) => verified && findUser(verified, address))
    },
  }
}
