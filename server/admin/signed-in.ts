// Which admin a request was authenticated for, kept beside it.
import type { IncomingMessage } from 'node:http'
import type { RecordChange } from '../bindings/bindings.ts'
import type { AdminPrincipal } from '../identity/identity.ts'
import { callOf } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'

const principals = new WeakMap<IncomingMessage, AdminPrincipal>()

export function keepPrincipal(request: IncomingMessage, principal: AdminPrincipal): void {
  principals.set(request, principal)
}

export function principalOf(request: IncomingMessage): AdminPrincipal {
  const principal = principals.get(request)
  if (!principal) throw new Error('route without authentication')
  return principal
}

/** Records what this admin changes with this request. */
export function recorderOf(audit: Pick<AuditLog, 'recorderFor'>, request: IncomingMessage): RecordChange {
  return audit.recorderFor(principalOf(request).actor, callOf(request).address.text)
}
