// Lets a request of an admin pass: by bearer token, by the token file of this machine, or by the console's cookie.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { AdminPrincipal, Identity, PresentedCredential } from '../identity/identity.ts'
import { callOf, type WebCall } from '../web/web.ts'
import { isSameOrigin } from './same-origin.ts'
import { readSessionCookie } from './session-cookie.ts'
import { keepPrincipal } from './signed-in.ts'

export type AuthenticateDependencies = {
  config: Pick<Config, 'publicUrl' | 'consolePort'>
  identity: Pick<Identity, 'authenticateAdmin'>
}

/** Throws AppError `invalid_credential` or `cross_site_refused`. */
export async function authenticate(
  dependencies: AuthenticateDependencies,
  request: IncomingMessage,
): Promise<AdminPrincipal> {
  const call = callOf(request)
  const presented = findCredential(request, call, dependencies.config.consolePort !== null)
  const principal = presented && (await dependencies.identity.authenticateAdmin(presented))
  if (!principal) throw new AppError('invalid_credential')
  if (presented.carrier === 'cookie' && !isSameOrigin(request, dependencies.config.publicUrl)) {
    throw new AppError('cross_site_refused')
  }
  keepPrincipal(request, principal)
  return principal
}

/** The text after `Bearer`; null when there is none, or more than one header. */
export function readBearer(request: IncomingMessage): string | null {
  const values = request.headersDistinct.authorization ?? []
  return values.length === 1 ? (/^Bearer +(\S+)$/i.exec(values[0] ?? '')?.[1] ?? null) : null
}

function findCredential(
  request: IncomingMessage,
  call: WebCall,
  hasConsolePort: boolean,
): PresentedCredential | null {
  // A caller that sends the header means it: a bad token is not made good by a cookie.
  if (request.headers.authorization !== undefined) {
    const token = readBearer(request)
    return token === null
      ? null
      : { carrier: 'bearer', token, fromThisMachine: isFromThisMachine(request, call) }
  }
  if (hasConsolePort && !call.onConsolePort) return null
  const token = readSessionCookie(request)
  return token === null ? null : { carrier: 'cookie', token }
}

function isFromThisMachine(request: IncomingMessage, call: WebCall): boolean {
  const isLoopback = call.peer.text === '::1' || call.peer.text.startsWith('127.')
  const proxyHeaders = ['x-real-ip', 'x-forwarded-for', 'forwarded']
  return isLoopback && proxyHeaders.every((header) => request.headers[header] === undefined)
}
