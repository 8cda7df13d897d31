// Tells an unknown path (404) from a known one that was asked with another method (405).
import { AppError } from '@sallyport/contract'
import type { WebApi } from './web-api.ts'

/** Must be called before any route is added. */
export function answerUnknownRoute(api: WebApi): void {
  const methodsByPattern = new Map<string, Set<string>>()
  api.addHook('onRoute', (route) => {
    const methods = methodsByPattern.get(route.url) ?? new Set()
    for (const method of [route.method].flat()) methods.add(method)
    methodsByPattern.set(route.url, methods)
  })
  api.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = [...methodsByPattern].find(([pattern]) => isMatch(pattern, path))?.[1]
    if (!methods) throw new AppError('not_found')
    const allow = [...methods].sort().join(', ')
    reply.raw.setHeader('allow', allow)
    throw new AppError('method_not_allowed', {
      message: `This path does not take ${request.method}. It takes ${allow}.`,
    })
  })
}

/** `:x` in a pattern stands for one segment. */
function isMatch(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every(
      (segment, index) => segment === given[index] || (segment.startsWith(':') && given[index] !== ''),
    )
  )
}
