// The issuer's public keys in memory: fetched once for all who wait, again when a token names an unknown one, and kept while the issuer is away.
import { AppError } from '@sallyport/contract'
import type { CryptoKey, JWSHeaderParameters } from 'jose'
import { JWKSNoMatchingKey } from 'jose/errors'
import { createLocalJWKSet } from 'jose/jwks/local'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { IssuerClient } from './issuer-client.ts'

/** A flood of tokens with invented key ids costs the issuer one request in this time; a new key works within it. */
const coolDownMs = 10_000
/** Keys that the issuer has withdrawn are forgotten within this time, as long as it answers. */
const ageMaxMs = 600_000

type FindKey = ReturnType<typeof createLocalJWKSet>
type Known = { findKey: FindKey; text: string; fetchedAtMs: number }

export type IssuerKeys = {
  /** Throws an error of jose when the issuer has no such key, AppError `issuer_unavailable` when no key was ever known. */
  find(header: JWSHeaderParameters): Promise<CryptoKey>
  /** Fetches them for the first time in the background. */
  warmUp(): void
  /** Fetches them anew in the background when they are old. */
  keepFresh(): void
  close(): Promise<void>
}

export function createIssuerKeys(dependencies: {
  client: IssuerClient
  /** The keys are others than before: what was verified with the former ones proves nothing any more. */
  onChange(): void
  clock: Clock
  logger: Logger
}): IssuerKeys {
  const { client, onChange, clock, logger } = dependencies
  let known: Known | null = null
  let attemptedAtMs = Number.NEGATIVE_INFINITY
  let fetching: Promise<Known | null> | null = null

  async function fetch(): Promise<Known | null> {
    try {
      const keys = await client.fetchKeys()
      const text = JSON.stringify(keys)
      const before = known
      known = { findKey: createLocalJWKSet(keys), text, fetchedAtMs: clock.monotonicMs() }
      if (before !== null && before.text !== text) onChange()
      return known
    } catch (error) {
      const detail = known ? 'the keys that are known serve on' : 'no user token can be verified'
      logger.warn('the issuer of user tokens gave no keys', { component: 'identity', detail, error })
      return null
    } finally {
      attemptedAtMs = clock.monotonicMs()
      fetching = null
    }
  }

  /** Null: not fetched, because it failed or was tried a moment ago. */
  function refresh(): Promise<Known | null> {
    if (fetching) return fetching
    if (clock.monotonicMs() - attemptedAtMs < coolDownMs) return Promise.resolve(null)
    fetching = fetch()
    return fetching
  }

  function keepFresh(): void {
    if (known && clock.monotonicMs() - known.fetchedAtMs >= ageMaxMs) void refresh()
  }

  return {
    async find(header) {
      keepFresh()
      const now = known ?? (await refresh())
      if (now === null) throw new AppError('issuer_unavailable', { retryAfterSeconds: coolDownMs / 1000 })
      try {
        return await now.findKey(header)
      } catch (error) {
        if (!(error instanceof JWKSNoMatchingKey)) throw error
        const fresh = await refresh()
        if (fresh === null) throw error
        return fresh.findKey(header)
      }
    },
    warmUp: () => void refresh(),
    keepFresh,
    close: client.close,
  }
}
