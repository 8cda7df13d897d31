// Lets a caller pass to the routes for its kind of credential; no kind opens the routes of another.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { CheckCaller } from '../gateway/gateway.ts'
import type { Callers, Identity, Principal } from '../identity/identity.ts'
import type { IpAddress } from '../lib/ip-address.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Onboarding } from '../onboarding/onboarding.ts'
import { callOf, type WebCall } from '../web/web.ts'
import { readCredential } from './credential.ts'

/** `client`: an API key or a user token. `user` opens onboarding and blog, which need no token in development mode. */
export type CallerKind = 'api_key' | 'device' | 'user' | 'client'

export type AuthenticateDependencies = {
  callers: Pick<
    Callers,
    'authenticateApiKey' | 'authenticateDeviceToken' | 'authenticateUserToken' | 'isApiKeyShaped'
  > &
    Pick<Identity, 'openDevelopmentUser'>
  /** In development mode nobody needs a user token, but only this machine's own user is served. */
  onboarding: Pick<Onboarding, 'mode' | 'refuseForeign'>
  /** Holds a caller to the binding and the limits of its credential, as on its calls to providers. */
  checkCaller: CheckCaller
}

/** Throws AppError for whoever may not go on. */
export type Authenticate = (
  kind: CallerKind,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<void>

/** For the descriptions of routes behind each kind of credential. */
export const callerSecurity: Record<CallerKind, Record<string, string[]>[]> = {
  api_key: [{ api_key: [] }, { api_key_header: [] }],
  device: [{ device_token: [] }],
  user: [{ user_token: [] }],
  client: [{ api_key: [] }, { api_key_header: [] }, { user_token: [] }],
}

const principals = new WeakMap<IncomingMessage, Principal>()

export function createAuthenticate(dependencies: AuthenticateDependencies): Authenticate {
  const { callers, onboarding, checkCaller } = dependencies

  function identify(kind: CallerKind, text: string, address: IpAddress): MaybePromise<Principal | null> {
    switch (kind) {
      case 'api_key':
        return callers.authenticateApiKey(text)
      case 'device':
        return callers.authenticateDeviceToken(text)
      case 'user':
        return callers.authenticateUserToken(text, address)
      case 'client':
        return identify(callers.isApiKeyShaped(text) ? 'api_key' : 'user', text, address)
    }
  }

  /** Whatever credential is sent in development mode, the user is the one at this machine. */
  function identifyLocal({ httpVersion, headers }: IncomingMessage, { peer }: WebCall) {
    const refusal = onboarding.refuseForeign({ httpVersion, peer: peer.text, headers })
    if (refusal) throw refusal
    return callers.openDevelopmentUser()
  }

  function identifyByText(kind: CallerKind, request: IncomingMessage, { address }: WebCall) {
    const text = readCredential(request)
    if (text === null) throw new AppError('credential_missing')
    return identify(kind, text, address)
  }

  return async (kind, request, response) => {
    const call = callOf(request)
    const isLocal = kind === 'user' && onboarding.mode === 'development'
    const principal = await (isLocal ? identifyLocal(request, call) : identifyByText(kind, request, call))
    if (!principal) throw new AppError('invalid_credential')
    call.tokenDisplay = principal.display
    const refusal = await checkCaller(principal, {
      context: call,
      method: request.method ?? '',
      setHeader: (name, value) => void response.setHeader(name, value),
    })
    if (refusal) throw refusal
    principals.set(request, principal)
  }
}

export function callerOf(request: IncomingMessage): Principal {
  const principal = principals.get(request)
  if (!principal) throw new Error('route without authentication')
  return principal
}
