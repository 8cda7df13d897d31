// Finds requests that two readers could understand differently: SPEC §3 "Forward" has them refused and unread.
import type { IncomingMessage } from 'node:http'
import { isDecidingHeader } from './header-names.ts'

/** What is looked at; an IncomingMessage has it all. */
export type RequestHead = Pick<
  IncomingMessage,
  'rawHeaders' | 'httpVersionMajor' | 'httpVersionMinor' | 'method' | 'url'
>

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i
const hostCharacters = /^[\w.:[\]-]*$/

/** Why the request is refused, in words for the operator; null when it can be read in one way only. */
export function findAmbiguity(head: RequestHead): string | null {
  if (head.httpVersionMajor !== 1 || head.httpVersionMinor > 1) return 'neither HTTP/1.0 nor HTTP/1.1'
  let host: string | null = null
  let hasLength = false
  let coding: string | null = null
  const { rawHeaders } = head
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') {
      if (host !== null) return 'two Host headers'
      host = value
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (hasLength) return 'two Content-Length headers'
      hasLength = true
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== null) return 'two Transfer-Encoding headers'
      coding = value
    } else if (name.includes('_') && isDecidingHeader(name.toLowerCase().replaceAll('_', '-'))) {
      return 'an underscore twin of a header that decides'
    }
  }
  return findFramingAmbiguity(head, hasLength, coding) ?? findTargetAmbiguity(head, host)
}

/** The target of a request that is not ambiguous, in origin form: `/path?query`. */
export function toOriginForm(url: string): string {
  if (url.startsWith('/')) return url
  const rest = absoluteForm.exec(url)?.[2] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** The parser refuses length with coding, too; it is checked again here because smuggling hangs on it. */
function findFramingAmbiguity(head: RequestHead, hasLength: boolean, coding: string | null): string | null {
  if (coding === null) return null
  if (hasLength) return 'Content-Length with Transfer-Encoding'
  if (head.httpVersionMinor === 0) return 'Transfer-Encoding in HTTP/1.0'
  if (coding.toLowerCase() !== 'chunked') return 'a transfer coding other than chunked'
  return null
}

function findTargetAmbiguity(head: RequestHead, host: string | null): string | null {
  if (host === null && head.httpVersionMinor === 1) return 'no Host header'
  if (host !== null && !hostCharacters.test(host)) return 'a Host header that names no host'
  const url = head.url ?? ''
  if (url.includes('#')) return 'a fragment in the request target'
  if (url.startsWith('/')) return null
  const authority = absoluteForm.exec(url)?.[1]
  if (authority === undefined) return 'a request target that is no path'
  if (host === null || authority.toLowerCase() !== host.toLowerCase()) return 'a target on another host'
  return null
}
