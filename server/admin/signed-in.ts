// Which admin a request was authenticated for, kept beside it.
import type { IncomingMessage } from 'node:http'
import type { AdminPrincipal } from '../identity/identity.ts'

const principals = new WeakMap<IncomingMessage, AdminPrincipal>()

export function keepPrincipal(request: IncomingMessage, principal: AdminPrincipal): void {
  principals.set(request, principal)
}

export function principalOf(request: IncomingMessage): AdminPrincipal {
  const principal = principals.get(request)
  if (!principal) throw new Error('route without authentication')
  return principal
}
