// What the listener and the authentication found out about a request, kept beside it.
import type { IncomingMessage } from 'node:http'
import type { AdminPrincipal } from '../identity/identity.ts'
import type { IpAddress } from '../lib/ip-address.ts'

/** The part of the listener's knowledge that the admin room needs. */
export type AdminCallContext = {
  readonly requestId: string
  /** Whose call it is: the peer, or the one for whom a trusted proxy speaks. */
  readonly address: IpAddress
  readonly peer: IpAddress
  readonly onConsolePort: boolean
  /** For the line in the log. */
  code?: string | null
}

const calls = new WeakMap<IncomingMessage, AdminCallContext>()
const principals = new WeakMap<IncomingMessage, AdminPrincipal>()

export function keepCall(request: IncomingMessage, call: AdminCallContext): void {
  calls.set(request, call)
}

export function callOf(request: IncomingMessage): AdminCallContext {
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
