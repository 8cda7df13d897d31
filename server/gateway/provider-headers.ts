// What of a request's headers and query reaches a provider: never the caller's credential, always the provider's key.
import { credentialHeaders } from '../http/http.ts'
import type { KeySlot, Provider, ProviderKey } from '../providers/providers.ts'
import { withoutQueryKeys } from './carriers.ts'
import { connectionNames, isOfThisHop } from './headers.ts'

export type ProviderHeaderOptions = {
  provider: Pick<Provider, 'keySlot' | 'sharedHeaders'>
  key: ProviderKey
  isUpgrade: boolean
  /** The body was read and is sent on in our serialisation. */
  isJsonMadeHere: boolean
}

/**
 * On a shared key only these go on, and those that the provider's file names: others could speak for the operator's
 * account (organisation, project, idempotency key, method override).
 */
const sharedHeaders = new Set(['accept', 'accept-encoding', 'accept-language', 'content-type', 'user-agent'])
const describesBody = new Set(['content-type', 'content-encoding', 'content-md5', 'digest', 'content-digest'])
const protocolCredential = /^(openai-insecure-api-key\.|sp_)|^[\w=-]+\.[\w=-]+\.[\w=-]*$/i
/** Of a shared account: its name, and how much all its clients together have used of it. */
const accountHeader =
  /^(x-ratelimit-|anthropic-ratelimit-|ratelimit|openai-organization|openai-project|anthropic-organization-id|set-cookie)/

/** A flat list of names and values. */
export function toProviderHeaders(rawHeaders: readonly string[], options: ProviderHeaderOptions): string[] {
  const { provider, key, isUpgrade, isJsonMadeHere } = options
  const named = connectionNames(rawHeaders)
  const headers: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const lower = name.toLowerCase()
    if (isOfThisHop(lower, named) || isCallerSecret(lower, provider.keySlot)) continue
    if (isJsonMadeHere && describesBody.has(lower)) continue
    if (key.isShared && !sharedHeaders.has(lower) && !provider.sharedHeaders.includes(lower)) continue
    if (lower === 'accept-encoding' && !isUpgrade) continue
    if (lower !== 'sec-websocket-protocol') headers.push(name, rawHeaders[index + 1] ?? '')
    else if (isUpgrade) addProtocols(headers, name, rawHeaders[index + 1] ?? '')
  }
  // Usage is read as it passes.
  if (!isUpgrade) headers.push('Accept-Encoding', 'identity')
  if (isJsonMadeHere) headers.push('Content-Type', 'application/json')
  const { keySlot } = provider
  if (keySlot.kind === 'header') headers.push(keySlot.name, keySlot.prefix + key.secret.reveal())
  return headers
}

/** Path and query for the provider; `target` is what follows the provider's name in ours. */
export function toProviderTarget(
  target: string,
  { keySlot, sharedQuery }: Pick<Provider, 'keySlot' | 'sharedQuery'>,
  key: ProviderKey,
): string {
  const withoutKey = withoutQueryKeys(target)
  const plain = keySlot.kind === 'query' ? withoutQueryKeys(withoutKey, keySlot.name) : withoutKey
  const kept = key.isShared ? onlyQuery(plain, sharedQuery) : plain
  if (keySlot.kind === 'header') return kept
  const pair = `${encodeURIComponent(keySlot.name)}=${encodeURIComponent(key.secret.reveal())}`
  return `${kept}${kept.includes('?') ? '&' : '?'}${pair}`
}

/** Headers of an answer to a call on the shared key, without what tells of its account. */
export function withoutAccount(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (!accountHeader.test(name.toLowerCase())) kept.push(name, headers[index + 1] ?? '')
  }
  return kept
}

/** Cookies are for our own console; they say nothing to a provider. */
function isCallerSecret(name: string, slot: KeySlot): boolean {
  if (name === 'cookie') return true
  // Some servers take an underscore for a dash.
  const dashed = name.replaceAll('_', '-')
  if (slot.kind === 'header' && dashed === slot.name) return true
  return name !== 'sec-websocket-protocol' && credentialHeaders.some((credential) => credential === dashed)
}

function addProtocols(headers: string[], name: string, value: string): void {
  const kept = value.split(',').filter((protocol) => !protocolCredential.test(protocol.trim()))
  if (kept.length > 0) headers.push(name, kept.join(',').trim())
}

function onlyQuery(target: string, names: readonly string[]): string {
  const query = target.indexOf('?')
  if (query < 0) return target
  const kept = target
    .slice(query + 1)
    .split('&')
    .filter((pair) => names.includes(pair.split('=', 1)[0] ?? ''))
  return kept.length === 0 ? target.slice(0, query) : `${target.slice(0, query)}?${kept.join('&')}`
}
