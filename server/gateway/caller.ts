// Finds out who makes a provider call: reads the one credential of ours and has it authenticated.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { CallContext } from '../http/http.ts'
import type { Callers, Principal } from '../identity/identity.ts'
import type { IpAddress } from '../lib/ip-address.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { KeySlot } from '../providers/providers.ts'
import { queryValues, readCarriers } from './carriers.ts'

export type IdentifyCaller = (
  request: IncomingMessage,
  context: CallContext,
  /** Where the provider's own SDK puts its key; null for an unknown provider. */
  slot: KeySlot | null,
) => MaybePromise<Principal | AppError>

export function createIdentifyCaller(callers: Callers, userTokenIssuer: string | null): IdentifyCaller {
  function authenticate(token: string, address: IpAddress): MaybePromise<Principal | null> {
    if (callers.isApiKeyShaped(token)) return callers.authenticateApiKey(token)
    if (callers.isDeviceTokenShaped(token)) return callers.authenticateDeviceToken(token)
    if (callers.isUserTokenShaped(token)) return callers.authenticateUserToken(token, address)
    return null
  }

  return function identifyCaller(request, context, slot) {
    const tokens = readCarriers(request.rawHeaders, context.target, userTokenIssuer)
    if (slot !== null) addSlot(tokens, request.rawHeaders, context.target, slot)
    const [token, ...others] = tokens
    if (token === undefined) return new AppError('credential_missing')
    if (others.some((other) => other !== token)) return new AppError('conflicting_credentials')
    return after(authenticate(token, context.address), (principal) => {
      if (principal === null) return new AppError('invalid_credential')
      context.tokenDisplay = principal.display
      return principal
    })
  }
}

/** The usual carriers are read already; a slot among them is read twice, which changes nothing. */
function addSlot(tokens: string[], rawHeaders: readonly string[], target: string, slot: KeySlot): void {
  if (slot.kind === 'query') {
    const query = target.indexOf('?')
    if (query >= 0) tokens.push(...queryValues(target.slice(query + 1), slot.name))
    return
  }
  if (slot.name === 'authorization') return
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== slot.name.length || name.toLowerCase() !== slot.name) continue
    const value = rawHeaders[index + 1] ?? ''
    tokens.push(value.startsWith(slot.prefix) ? value.slice(slot.prefix.length).trim() : value.trim())
  }
}
