// Which headers cross the gateway: hop-by-hop ones are stripped first (RFC 9110, 7.6.1), ours are written last.
import type { Dispatcher } from 'undici'
import { credentialHeaders } from '../http/http.ts'

/** Headers of this hop, and those that the caller may not set because the downstream believes them. */
const neverForwarded = new Set([
  'connection',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-real-ip',
])
/** Written anew by the client library, which knows the length of what it sends. */
const framing = 'content-length'
const neverReturned = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const ownCookiePrefix = 'sallyport_'
const usualConnection = /^(keep-alive|close)$/i

export type ForwardedFrom = {
  /** The client's address. */
  address: string
  /** Scheme and host that clients see. */
  proto: string
  host: string
}

export type HeaderOptions = {
  from: ForwardedFrom
  isUpgrade: boolean
  /** Leaves out everything that could authenticate the caller. */
  withoutCredentials: boolean
}

/** Headers for the upstream, a flat list of names and values. */
export function toUpstreamHeaders(rawHeaders: readonly string[], options: HeaderOptions): string[] {
  const named = connectionNames(rawHeaders)
  const headers: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const lower = name.toLowerCase()
    if (isOfThisHop(lower, named)) continue
    if (lower === 'sec-websocket-protocol' && !options.isUpgrade) continue
    if (options.withoutCredentials && isCredential(lower)) continue
    const value = rawHeaders[index + 1] ?? ''
    if (lower === 'cookie' && value.includes(ownCookiePrefix)) {
      const others = withoutOwnCookies(value)
      if (others !== '') headers.push(name, others)
    } else headers.push(name, value)
  }
  const { address, proto, host } = options.from
  headers.push('X-Real-IP', address, 'X-Forwarded-For', address)
  headers.push('X-Forwarded-Proto', proto)
  // A client of HTTP/1.0 may name no host.
  if (host !== '') headers.push('X-Forwarded-Host', host)
  return headers
}

/** As undici gives them: for HTTP/1 a flat list of names and values in bytes. */
export type ReceivedHeaders = Dispatcher.DispatchController['rawHeaders']

/** Headers for the client from those of the upstream, with our request id. */
export function toClientHeaders(received: ReceivedHeaders, requestId: string): string[] {
  const texts = Array.isArray(received) ? received.map(toText) : []
  const named = connectionNames(texts)
  const headers: string[] = []
  for (let index = 0; index < texts.length; index += 2) {
    const name = texts[index] ?? ''
    const value = texts[index + 1] ?? ''
    const lower = name.toLowerCase()
    if (neverReturned.has(lower) || named?.has(lower)) continue
    if (lower === 'x-request-id') headers.push('X-Upstream-Request-Id', value)
    else if (lower !== 'set-cookie' || !value.trimStart().startsWith(ownCookiePrefix))
      headers.push(name, value)
  }
  headers.push('X-Request-Id', requestId)
  return headers
}

/** For a body whose length changes on its way. */
export function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== framing)
}

/** `name` in lower case, `named` as from `connectionNames`. */
export function isOfThisHop(name: string, named: ReadonlySet<string> | null): boolean {
  if (neverForwarded.has(name) || name === framing || name.startsWith('x-forwarded-')) return true
  return named?.has(name) ?? false
}

/** Names that a Connection header declares to be of this hop; null for the usual ones, which need no set. */
export function connectionNames(rawHeaders: readonly string[]): ReadonlySet<string> | null {
  let names: Set<string> | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = rawHeaders[index + 1] ?? ''
    if (usualConnection.test(value)) continue
    names ??= new Set()
    for (const token of value.split(',')) names.add(token.trim().toLowerCase())
  }
  return names
}

/** Header bytes are latin1 to Node, in both directions. */
function toText(part: Buffer | string): string {
  return typeof part === 'string' ? part : part.toString('latin1')
}

function isCredential(name: string): boolean {
  return name === 'cookie' || credentialHeaders.some((credential) => credential === name)
}

function withoutOwnCookies(value: string): string {
  return value
    .split(';')
    .filter((cookie) => !cookie.trimStart().startsWith(ownCookiePrefix))
    .join(';')
    .trim()
}
