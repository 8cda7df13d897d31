// Which request paths are ours. Everything else is passed byte for byte to the downstream.

/** Prefixes under which every path is ours, whether a route stands there or not. */
const ownPrefixes = ['/admin/', '/portal/', '/proxy/', '/docs/'] as const

/** Exact paths of ours; `:x` stands for one non-empty segment. */
const ownPaths = [
  '/admin',
  '/portal',
  '/proxy',
  '/docs',
  '/health',
  '/health/ready',
  '/metrics',
  '/api/health',
  '/api/usage',
  '/api/invoices',
  '/api/invoices/:number',
  '/api/clients/:id/keys',
  '/api/provider-keys',
  '/api/provider-keys/:name',
  '/api/video/buffer',
  '/api/video/buffer/batch',
  '/api/video/analyze',
  '/api/alert',
  '/api/alerts',
  '/api/onboarding/api-keys',
  '/api/onboarding/api-keys/:provider',
  '/api/onboarding/api-keys/:provider/validate',
  '/api/onboarding/status',
  '/api/onboarding/progress',
  '/api/onboarding/step/:n',
  '/api/onboarding/step/:n/complete',
  '/api/onboarding/step/:n/skip',
  '/api/onboarding/reset',
  '/api/onboarding/complete',
  '/api/blog/generate',
  '/device/auth',
  '/device/refresh',
  '/device/info',
  '/vapi/start',
  '/vapi/stop',
] as const

const exactPaths = new Set<string>(ownPaths.filter((path) => !path.includes(':')))
const patterns = ownPaths
  .filter((path) => path.includes(':'))
  .map((path) => new RegExp(`^${path.replace(/:[a-z]+/g, '[^/]+')}$`))

/** First segments that any path of ours begins with: a cheap first look before the patterns. */
const firstSegments = new Set(ownPaths.map((path) => path.split('/', 2)[1]))

/** Is `path` (no query string) a route of ours, never to be forwarded? */
export function isOwnPath(path: string): boolean {
  const end = path.indexOf('/', 1)
  if (!firstSegments.has(end < 0 ? path.slice(1) : path.slice(1, end))) return false
  if (exactPaths.has(path)) return true
  return (
    ownPrefixes.some((prefix) => path.startsWith(prefix)) || patterns.some((pattern) => pattern.test(path))
  )
}

/** Is `path` one of ours that passes calls on to a provider? */
export function isProxyPath(path: string): boolean {
  return path.startsWith('/proxy/') || path === '/proxy'
}

/** Does a path of ours hold something two readers could resolve differently: `.`/`..` segments, `//`, an encoded slash? */
export function isAmbiguousPath(path: string): boolean {
  return /\/\/|%2f|%5c|\\|(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)
}
