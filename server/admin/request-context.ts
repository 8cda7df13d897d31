// What the listener and the authentication found out about a request, kept beside it.
import type { IncomingMessage } from 'node:http'
import type { CallContext } from '../http/http.ts'
import type { AdminPrincipal } from '../identity/identity.ts'

/** The part of the listener's knowledge that the admin room needs. */
export type AdminCall = Pick<
  CallContext,
  'requestId' | 'address' | 'peer' | 'onConsolePort' | 'expectsContinue' | 'fail'
>

const calls = new WeakMap<IncomingMessage, AdminCall>()
const principals = new WeakMap<IncomingMessage, AdminPrincipal>()

export function keepCall(request: IncomingMessage, call: AdminCall): void {
  calls.set(request, call)
}

export function callOf(request: IncomingMessage): AdminCall {
  const call = calls.get(request)
  if (!call) throw new Error('request without a context')
  return call
}

export function keepPrincipal(request: IncomingMessage, principal: AdminPrincipal): void {
  principals.set(request, principal)
}

export function principalOf(request: IncomingMessage): AdminPrincipal {
  const principal = principals.get(request)
  if (!principal) throw new Error('route without authentication')
  return principal
}
