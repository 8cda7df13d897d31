// The decision on one call: known and allowed, refused, bound now, or undecidable.
import type { Settings } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import { EngineAwayError, type Notices } from '../store/store.ts'
import type { BindingStore } from './binding-store.ts'
import type { BindingCall, Decision } from './bindings.ts'
import { type DecisionCache, type KnownBinding, toKnown } from './decision-cache.ts'
import type { FirstUse } from './first-use.ts'
import type { LookUp } from './look-up.ts'

export type DecideDependencies = {
  cache: DecisionCache
  notices: Pick<Notices, 'isFresh'>
  lookUp: LookUp
  firstUse: FirstUse
  confirm: BindingStore['confirm']
  /** Takes back a first-use binding whose first answer was 401. */
  withdraw(digest: string, version: number): Promise<void>
  recordIntercept(
    call: BindingCall,
    binding: KnownBinding,
    reason: 'ip_not_allowed' | 'binding_banned',
  ): Promise<void>
  touch(binding: KnownBinding): void
  count(outcome: CountedOutcome): void
  settings(): Pick<Settings, 'failsafe_mode'>
  bindingMode: 'enforce' | 'observe'
  logger: Logger
}

/** `undecided`: refused for lack of an engine or over the limit of new bindings. */
export type CountedOutcome = 'allowed' | 'intercepted' | 'undecided'

type Resolved =
  | { outcome: 'known'; known: KnownBinding; madeBy: BindingCall | null }
  | { outcome: 'limited'; addressKey: string; retryAfterSeconds: number }
  | { outcome: 'undecidable' }

const allowed: Decision = { outcome: 'allowed', settle: null, observed: false }
const allowedByObserving: Decision = { outcome: 'allowed', settle: null, observed: true }
/** A binding can be removed while a call is waiting for it; after this many turns the call is not decided. */
const turnsMax = 3

export function createDecide(
  dependencies: DecideDependencies,
): (call: BindingCall) => Decision | Promise<Decision> {
  const { cache, notices, lookUp, firstUse, settings, logger } = dependencies
  /** Bindings that are being taken back: who has seen the 401 must find the token unbound. Each ends by its deadline. */
  const withdrawals = new Map<string, Promise<void>>()

  function decide(call: BindingCall): Decision | Promise<Decision> {
    const known = cache.peek(call.digest)
    if (known && !known.provisional && notices.isFresh()) return judge(call, known)
    return decideSlowly(call).catch((error) => {
      logger.error('a call could not be decided', {
        request_id: call.requestId,
        component: 'bindings',
        error,
      })
      return undecidable()
    })
  }

  async function decideSlowly(call: BindingCall): Promise<Decision> {
    for (let turn = 0; turn < turnsMax; turn++) {
      if (!(await isWithdrawalOver(call.digest))) return undecidable()
      const { promise, leads } = cache.shareResolving(call.digest, (isCurrent) => resolve(call, isCurrent))
      const resolved = await promise
      if (resolved.outcome === 'undecidable') return undecidable()
      if (resolved.outcome === 'limited') {
        // The limit is the leader's; who only waited along from another address tries for itself.
        if (!leads && firstUse.addressKeyOf(call.address) !== resolved.addressKey) continue
        dependencies.count('undecided')
        return {
          outcome: 'refused',
          code: 'too_many_bindings',
          retryAfterSeconds: resolved.retryAfterSeconds,
        }
      }
      const { known, madeBy } = resolved
      if (madeBy === call) {
        used(known)
        return { outcome: 'allowed', settle: (status) => settle(call, known, status), observed: false }
      }
      if (known.provisional && known.allows(call.address) && !(await confirmUse(call, known))) continue
      return await judge(call, known)
    }
    return undecidable()
  }

  async function resolve(call: BindingCall, isCurrent: () => boolean): Promise<Resolved> {
    const wasFresh = notices.isFresh()
    const found = await lookUp(call.digest, cache.versionMin(call.digest))
    if (found.outcome === 'undecidable') return found
    const bound =
      found.outcome === 'found' ? { ...found, made: false } : await firstUse.bind(call, found.generation)
    if (bound.outcome === 'limited' || bound.outcome === 'undecidable') return bound
    const known = toKnown(bound.binding)
    if (wasFresh && isCurrent()) cache.store(call.digest, known)
    return { outcome: 'known', known, madeBy: bound.made ? call : null }
  }

  function judge(call: BindingCall, known: KnownBinding): Decision | Promise<Decision> {
    if (known.status === 'banned') return refuse(call, known, 'binding_banned')
    if (known.allows(call.address)) {
      used(known)
      return allowed
    }
    return refuse(call, known, 'ip_not_allowed')
  }

  async function refuse(
    call: BindingCall,
    known: KnownBinding,
    code: 'ip_not_allowed' | 'binding_banned',
  ): Promise<Decision> {
    const observes = dependencies.bindingMode === 'observe' && code === 'ip_not_allowed'
    dependencies.count(observes ? 'allowed' : 'intercepted')
    await dependencies.recordIntercept(call, known, code)
    return observes ? allowedByObserving : { outcome: 'refused', code }
  }

  function used(known: KnownBinding): void {
    dependencies.count('allowed')
    dependencies.touch(known)
  }

  /** A second use makes a first-use binding stay. False when it is gone: the call then begins anew. */
  async function confirmUse(call: BindingCall, known: KnownBinding): Promise<boolean> {
    try {
      if (!(await dependencies.confirm(call.digest, known.version))) {
        cache.invalidate(call.digest, known.version + 1)
        return false
      }
    } catch (error) {
      // The rule is known and allows the address; that it could not be confirmed only leaves it as provisional as it was.
      if (!(error instanceof EngineAwayError)) throw error
      return true
    }
    known.provisional = false
    return true
  }

  function settle(call: BindingCall, known: KnownBinding, status: number): void {
    const settled =
      status === 401 ? withdraw(call.digest, known.version) : dependencies.confirm(call.digest, known.version)
    settled.then(
      () => {
        if (status !== 401) known.provisional = false
      },
      (error) =>
        logger.warn('a first use could not be settled', {
          request_id: call.requestId,
          component: 'bindings',
          error,
        }),
    )
  }

  function withdraw(digest: string, version: number): Promise<void> {
    const withdrawal = dependencies.withdraw(digest, version).finally(() => withdrawals.delete(digest))
    withdrawals.set(digest, withdrawal)
    return withdrawal
  }

  /** False when an engine failed it: whether the binding still stands is then not known. */
  async function isWithdrawalOver(digest: string): Promise<boolean> {
    try {
      await withdrawals.get(digest)
      return true
    } catch {
      return false
    }
  }

  function undecidable(): Decision {
    const isOpened = settings().failsafe_mode === 'open'
    dependencies.count(isOpened ? 'allowed' : 'undecided')
    if (isOpened) return { outcome: 'opened' }
    return { outcome: 'refused', code: 'failsafe_closed', retryAfterSeconds: 1 }
  }

  return decide
}
