// What every call of a known caller has to pass, whatever it asks for: the binding of its credential and its rate limits.
import { AppError } from '@sallyport/contract'
import type { Bindings, Decision } from '../bindings/bindings.ts'
import type { CallContext } from '../http/http.ts'
import type { Principal } from '../identity/identity.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { TakeRequest } from '../usage/usage.ts'

export type CheckedCall = {
  /** `observed` is set when a wrong address was let through for observation. */
  context: Pick<CallContext, 'address' | 'path' | 'requestId'> & { observed?: boolean }
  method: string
  /** Takes the headers that tell what is left of a limit. */
  setHeader(name: string, value: string): void
}

/** Null: the call may go on. Answers without a promise in the usual case. */
export type CheckCaller = (principal: Principal, call: CheckedCall) => MaybePromise<AppError | null>

export type CallerCheckDependencies = {
  bindings: Pick<Bindings, 'decide'>
  digest: KeyedDigest
  takeRequest: TakeRequest
}

export function createCallerCheck({ bindings, digest, takeRequest }: CallerCheckDependencies): CheckCaller {
  function checkBinding(principal: Principal, call: CheckedCall): MaybePromise<AppError | null> {
    if (!principal.isBound) return null
    const { context, method } = call
    const { address, path, requestId } = context
    const { clientId, credential, display: tokenDisplay } = principal
    const asked = {
      ...{ digest: digest(credential), tokenDisplay, clientId },
      ...{ address, method, path, requestId },
    }
    return after(bindings.decide(asked), (decision) => toRefusal(decision, context))
  }

  async function checkLimits(
    taken: NonNullable<ReturnType<TakeRequest>>,
    call: CheckedCall,
  ): Promise<AppError | null> {
    const { retryAfterSeconds, headers } = await taken
    for (const [name, value] of Object.entries(headers)) call.setHeader(name, value)
    return retryAfterSeconds === null ? null : new AppError('rate_limited', { retryAfterSeconds })
  }

  return (principal, call) =>
    after(checkBinding(principal, call), (refusal) => {
      if (refusal !== null) return refusal
      const taken = takeRequest(principal)
      return taken === null ? null : checkLimits(taken, call)
    })
}

function toRefusal(decision: Decision, context: CheckedCall['context']): AppError | null {
  switch (decision.outcome) {
    case 'allowed':
      context.observed = decision.observed
      // The credential was found good: no answer to this call speaks against its binding.
      decision.settle?.(200)
      return null
    case 'opened':
      // Only calls that need nothing of ours may pass undecided.
      return new AppError('failsafe_closed', { retryAfterSeconds: 1 })
    case 'refused': {
      const { code, retryAfterSeconds } = decision
      return new AppError(code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
    }
  }
}
