// Which routes of a provider are open on its shared key: exact methods and paths.
import type { StatelessRoute } from './provider.ts'

/** Nothing that a server could decode to something else: no percent sign, no slash, no colon. */
const part = '[A-Za-z0-9._~@-]+'

export type FindStatelessRoute = (method: string, path: string) => StatelessRoute | null

export function createStatelessRoutes(routes: readonly StatelessRoute[]): FindStatelessRoute {
  const exact = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]))
  const patterns = routes
    .filter((route) => route.path.includes('{'))
    .map((route) => ({ route, pattern: toPattern(route) }))
  return (method, path) => {
    if (path.includes('{')) return null
    const call = `${method} ${path}`
    return exact.get(call) ?? patterns.find(({ pattern }) => pattern.test(call))?.route ?? null
  }
}

function toPattern({ method, path }: StatelessRoute): RegExp {
  const source = path
    .split(/\{[a-z_]+\}/)
    .map((text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&'))
    .join(part)
  return new RegExp(`^${method} ${source}$`)
}
