// What becomes of a call that is not for our own paths: where it may go without a token, and what stays unknown.
import type { IncomingMessage } from 'node:http'
import { isAmbiguousPath } from '@sallyport/contract'

/**
 * `bound`: a token decides. `anonymous`: forwarded as it is, but for credentials of ours. `preflight`: a browser asks
 * ahead of a cross-origin call; it is forwarded stripped of every credential and of its body.
 */
export type Route = 'bound' | 'anonymous' | 'preflight'

/** `prefixes` are whole path segments; `/` alone stands for the front page, not for everything. */
export function createRouting(prefixes: readonly string[]) {
  const within = prefixes.filter((prefix) => prefix !== '/').map((prefix) => prefix.replace(/\/+$/, ''))
  const exact = new Set([...prefixes, ...within])
  const isAnonymous = (path: string) =>
    exact.has(path) || within.some((prefix) => path.startsWith(prefix) && path[prefix.length] === '/')

  return function chooseRoute(request: IncomingMessage, path: string): Route {
    if (isPreflight(request)) return 'preflight'
    if (prefixes.length === 0) return 'bound'
    // A path that the downstream might resolve to another one must not pass for a harmless one.
    return isAnonymous(path) && !isAmbiguousPath(path) ? 'anonymous' : 'bound'
  }
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  )
}
