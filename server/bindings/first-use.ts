// Binds an unknown token to the address that used it first, and takes that back when the token proves worthless.
import type { Clock } from '../lib/clock.ts'
import { type IpAddress, rangeAround } from '../lib/ip-address.ts'
import type { Logger } from '../lib/logger.ts'
import { type Counters, EngineAwayError, type SharedCache } from '../store/store.ts'
import type { StoredBinding } from './binding-rows.ts'
import type { BindingStore } from './binding-store.ts'
import type { BindingCall } from './bindings.ts'
import { fillShared } from './look-up.ts'
import { firstUseRule } from './rule.ts'

export type FirstUseResult =
  /** `made` is false when another call was quicker. */
  | { outcome: 'bound'; binding: StoredBinding; made: boolean }
  | { outcome: 'limited'; addressKey: string; retryAfterSeconds: number }
  | { outcome: 'undecidable' }

export type FirstUse = ReturnType<typeof createFirstUse>

const windowMs = 60_000

export function createFirstUse(dependencies: {
  store: Pick<BindingStore, 'insertFirstUse'>
  counters: Counters
  sharedCache: SharedCache | null
  config: { bindIpv6Prefix: number; bindNewPerMinute: number }
  clock: Clock
  logger: Logger
}) {
  const { store, counters, sharedCache, config, clock, logger } = dependencies

  /** Calls share the limit of their address; for IPv6 of its /64, because one host has all of it. */
  const addressKeyOf = (address: IpAddress) => rangeAround(address, address.family === 6 ? 64 : 32).text

  /** `generation`: of Redis when it did not know the token. */
  async function bind(call: BindingCall, generation: string | null): Promise<FirstUseResult> {
    const addressKey = addressKeyOf(call.address)
    if (config.bindNewPerMinute > 0) {
      const { count, resetMs } = await counters.increment(`bind:${addressKey}`, windowMs)
      if (count > config.bindNewPerMinute) {
        return { outcome: 'limited', addressKey, retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) }
      }
    }
    const { digest, tokenDisplay, clientId } = call
    const rule = firstUseRule(call.address, config.bindIpv6Prefix)
    try {
      const { binding, made } = await store.insertFirstUse(
        { digest, tokenDisplay, rule, clientId },
        new Date(clock.now()),
      )
      fillShared(sharedCache, digest, binding, generation)
      return { outcome: 'bound', binding, made }
    } catch (error) {
      if (!(error instanceof EngineAwayError))
        logger.error('first use could not be stored', { component: 'bindings', error })
      return { outcome: 'undecidable' }
    }
  }

  return { bind, addressKeyOf }
}
