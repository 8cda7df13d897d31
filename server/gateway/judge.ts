// Decides whether a call may go on: which token it carries, and what the bindings say about it.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { Bindings, Decision } from '../bindings/bindings.ts'
import type { CallContext } from '../http/http.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import { readToken } from './carriers.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import type { Route } from './routing.ts'
import { maskToken, toDigestedText } from './token.ts'

/** A call may pass; `settle` takes the status of its answer, once, when somebody waits for it. */
export type Passage = { settle: ((status: number) => void) | null }
/** A refusal is the error that the caller is told. */
export type Verdict = Passage | AppError

export type JudgeDependencies = {
  bindings: Pick<Bindings, 'decide'>
  digest: KeyedDigest
  metrics: Pick<GatewayMetrics, 'countOpened'>
  userTokenIssuer: string | null
}

const freePassage: Passage = { settle: null }

export function createJudge(dependencies: JudgeDependencies) {
  const { bindings, digest, metrics, userTokenIssuer } = dependencies

  /** Answers without a promise whenever the bindings do. */
  return function judge(
    request: IncomingMessage,
    context: CallContext,
    route: Route,
  ): Verdict | Promise<Verdict> {
    if (route === 'preflight') return freePassage
    const { token, refusal } = readToken(request.rawHeaders, context.target, userTokenIssuer)
    if (route === 'anonymous') return refusal === 'wrong_credential' ? new AppError(refusal) : freePassage
    if (refusal !== null) return new AppError(refusal)
    const tokenDisplay = maskToken(token)
    context.tokenDisplay = tokenDisplay
    const { address, path, requestId } = context
    const { method = '' } = request
    const call = { digest: digest(toDigestedText(token)), tokenDisplay, address, method, path, requestId }
    const decision = bindings.decide(call)
    if (decision instanceof Promise) return decision.then((decided) => toVerdict(decided, context))
    return toVerdict(decision, context)
  }

  function toVerdict(decision: Decision, context: CallContext): Verdict {
    switch (decision.outcome) {
      case 'allowed':
        context.observed = decision.observed
        return decision.settle === null ? freePassage : { settle: decision.settle }
      case 'opened':
        context.failsafe = true
        metrics.countOpened()
        return freePassage
      case 'refused': {
        const { code, retryAfterSeconds } = decision
        return new AppError(code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
      }
    }
  }
}
