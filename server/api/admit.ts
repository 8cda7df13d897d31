// Holds a caller of our own routes to what its calls to providers are held to: the binding and the limits of its credential.
import { AppError } from '@sallyport/contract'
import type { Bindings } from '../bindings/bindings.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import type { Usage } from '../usage/usage.ts'
import type { AdmissionCall } from './authenticate.ts'

export type AdmitDependencies = {
  bindings: Pick<Bindings, 'decide'>
  usage: Pick<Usage, 'takeRequest'>
  digest: KeyedDigest
}

/** Answers why a call is refused, or null. The binding is first: who may not call at all uses up no limit. */
export function createAdmit({ bindings, usage, digest }: AdmitDependencies) {
  return async (admission: AdmissionCall): Promise<AppError | null> =>
    (await judge(admission)) ?? (await takeRequest(admission))

  async function judge({ principal, request, call }: AdmissionCall): Promise<AppError | null> {
    if (!principal.isBound) return null
    const { address, path, requestId } = call
    const decision = await bindings.decide({
      digest: digest(principal.credential),
      tokenDisplay: principal.display,
      clientId: principal.clientId,
      method: request.method ?? '',
      ...{ address, path, requestId },
    })
    switch (decision.outcome) {
      case 'allowed':
        // Whoever came this far has a good credential, so its first use stands.
        decision.settle?.(200)
        return null
      case 'opened':
        // The failsafe opens calls to the downstream, and nothing of ours.
        return new AppError('failsafe_closed')
      case 'refused':
        return refusal(decision.code, decision.retryAfterSeconds)
    }
  }

  async function takeRequest({ principal, response }: AdmissionCall): Promise<AppError | null> {
    const verdict = await usage.takeRequest(principal)
    if (!verdict) return null
    for (const [name, value] of Object.entries(verdict.headers)) response.setHeader(name, value)
    return verdict.retryAfterSeconds === null ? null : refusal('rate_limited', verdict.retryAfterSeconds)
  }
}

function refusal(code: AppError['code'], retryAfterSeconds: number | undefined): AppError {
  return new AppError(code, retryAfterSeconds === undefined ? {} : { retryAfterSeconds })
}
