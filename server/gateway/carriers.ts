// Reads the token of a call from every place where New API would look for one (SPEC §3 "Which token").
import { isNewApiToken, isOwnCredential, isPlainText, toCanonicalToken } from './token.ts'

export type CarrierReading =
  | { token: string; refusal: null }
  | {
      token: null
      refusal: 'credential_missing' | 'malformed_credential' | 'conflicting_credentials' | 'wrong_credential'
    }

const missing: CarrierReading = { token: null, refusal: 'credential_missing' }
const malformed: CarrierReading = { token: null, refusal: 'malformed_credential' }
const conflicting: CarrierReading = { token: null, refusal: 'conflicting_credentials' }
const wrong: CarrierReading = { token: null, refusal: 'wrong_credential' }

const protocolPrefix = 'openai-insecure-api-key.'
/** Clients of Midjourney proxies write this where New API expects the token in `mj-api-secret`; it is no token there. */
const placeholder = 'midjourney-proxy'

/** The one canonical token of a call, or why there is none. Ours are refused before they could be in conflict. */
export function readToken(
  rawHeaders: readonly string[],
  target: string,
  userTokenIssuer: string | null,
): CarrierReading {
  let found: string | null = null
  let isConflict = false
  for (const token of readCarriers(rawHeaders, target, userTokenIssuer)) {
    if (isOwnCredential(token, userTokenIssuer)) return wrong
    const canonical = toCanonicalToken(token)
    if (!isPlainText(canonical)) return malformed
    if (found === null) found = canonical
    else if (found !== canonical) isConflict = true
  }
  if (isConflict) return conflicting
  return found === null ? missing : { token: found, refusal: null }
}

/** The canonical token that an admin wrote as clients send it; null for a text that could never be one. */
export function readWrittenToken(text: string, userTokenIssuer: string | null): string | null {
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  return readToken(['Authorization', bytes], '/', userTokenIssuer).token
}

/** Every token that the call carries, without its prefix; a header that is sent twice counts twice. */
export function readCarriers(
  rawHeaders: readonly string[],
  target: string,
  userTokenIssuer: string | null,
): string[] {
  const tokens: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    // Lengths tell almost all headers apart without a copy in lower case.
    switch (name.length) {
      case 9: // x-api-key
      case 13: // authorization, mj-api-secret
      case 14: // x-goog-api-key
        if (isPlainCarrier(name.toLowerCase())) addToken(tokens, toText(rawHeaders[index + 1] ?? ''))
        break
      case 22:
        if (name.toLowerCase() === 'sec-websocket-protocol') {
          addProtocols(tokens, toText(rawHeaders[index + 1] ?? ''), userTokenIssuer)
        }
    }
  }
  const query = target.indexOf('?')
  if (query >= 0) addQueryKeys(tokens, target.slice(query + 1))
  return tokens
}

/** The target without parameters named `name`; all else stays byte for byte. */
export function withoutQueryKeys(target: string, name = 'key'): string {
  const query = target.indexOf('?')
  if (query < 0) return target
  const kept = target
    .slice(query + 1)
    .split('&')
    .filter((pair) => queryValues(pair, name).length === 0)
  return kept.length === 0 ? target.slice(0, query) : `${target.slice(0, query)}?${kept.join('&')}`
}

function isPlainCarrier(name: string): boolean {
  return (
    name === 'authorization' || name === 'x-api-key' || name === 'x-goog-api-key' || name === 'mj-api-secret'
  )
}

function addToken(tokens: string[], text: string): void {
  const token = text
    .trim()
    .replace(/^bearer(?:\s+|$)/i, '')
    .trim()
  if (token !== '' && token !== placeholder) tokens.push(token)
}

/**
 * Node gives header bytes one by one. New API reads them as UTF-8 and trims what Unicode calls white space, of which
 * next line (U+0085) is the one that JavaScript does not trim.
 */
function toText(bytes: string): string {
  if (!/[^ -~]/.test(bytes)) return bytes
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\u0085', ' ')
}

/** A protocol that is a credential of ours counts without its prefix, too: it would be forwarded with the upgrade. */
function addProtocols(tokens: string[], text: string, userTokenIssuer: string | null): void {
  const value = text.trim()
  for (const part of value.split(',')) {
    const protocol = part.trim()
    if (protocol.startsWith(protocolPrefix)) addToken(tokens, protocol.slice(protocolPrefix.length))
    else if (isOwnCredential(protocol, userTokenIssuer)) tokens.push(protocol)
  }
  if (isNewApiToken(value)) tokens.push(value)
}

function addQueryKeys(tokens: string[], query: string): void {
  // An encoded name needs a percent sign.
  if (!query.includes('key=') && !query.includes('%')) return
  for (const value of queryValues(query, 'key')) addToken(tokens, toText(value))
}

/** Decoded values of one parameter, a character for each byte. Some servers part pairs at `;` as well. */
export function queryValues(query: string, name: string): string[] {
  const values: string[] = []
  for (const pair of query.split(/[&;]/)) {
    const end = pair.indexOf('=')
    if (end >= 0 && decode(pair.slice(0, end)) === name) values.push(decode(pair.slice(end + 1)))
  }
  return values
}

/** As a form is decoded, byte by byte like a header: New API takes bytes that are no UTF-8 as well. */
function decode(text: string): string {
  const decoded = text.replaceAll('+', ' ')
  if (!decoded.includes('%')) return decoded
  return decoded.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
