// Lets a caller pass to the routes for its kind of credential; no kind opens the routes of another.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { CheckCaller } from '../gateway/gateway.ts'
import type { Callers, Principal } from '../identity/identity.ts'
import { callOf } from '../web/web.ts'
import { readCredential } from './credential.ts'

export type CallerKind = 'api_key' | 'device'

export type AuthenticateDependencies = {
  callers: Pick<Callers, 'authenticateApiKey' | 'authenticateDeviceToken'>
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
}

const principals = new WeakMap<IncomingMessage, Principal>()

export function createAuthenticate({ callers, checkCaller }: AuthenticateDependencies): Authenticate {
  return async (kind, request, response) => {
    const text = readCredential(request)
    if (text === null) throw new AppError('credential_missing')
    const principal = await (kind === 'api_key'
      ? callers.authenticateApiKey(text)
      : callers.authenticateDeviceToken(text))
    if (!principal) throw new AppError('invalid_credential')
    const call = callOf(request)
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
