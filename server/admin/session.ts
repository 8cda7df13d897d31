// /admin/api/session: the console signs in, asks whether it still is, and signs out; the token stays in a cookie.
import type { IncomingMessage } from 'node:http'
import { AppError, loginRequest, sessionAnswer } from '@sallyport/contract'
import { z } from 'zod'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { answers, callOf, notFound, type WebApi } from '../web/web.ts'
import { isSameOrigin } from './same-origin.ts'
import { expiredSessionCookie, sessionCookie } from './session-cookie.ts'
import type { SignIn } from './sign-in.ts'
import { principalOf } from './signed-in.ts'

const path = '/admin/api/session'
type SessionConfig = Pick<Config, 'publicUrl' | 'consolePort'>

/** Signing in and out need no session. */
export function addSessionRoutes(api: WebApi, config: SessionConfig, signIn: SignIn): void {
  const secure = config.publicUrl?.startsWith('https://') ?? false
  const shared = { tags: ['session'], security: [] }
  const signInSchema = {
    ...shared,
    summary: 'Sign the console in: sets an HttpOnly cookie',
    body: loginRequest,
    response: answers(sessionAnswer),
  }
  api.post(path, { schema: signInSchema }, async (request, reply) => {
    checkPlace(request.raw, config)
    const session = await signIn(request.body.password, callOf(request.raw), 'console')
    reply.header('set-cookie', sessionCookie(session.token, session.expiresInSeconds, secure))
    return { expires_in: session.expiresInSeconds }
  })

  const signOutSchema = {
    ...shared,
    summary: 'Sign the console out: takes the cookie away',
    response: { ...answers(z.null()), 204: z.null() },
  }
  api.delete(path, { schema: signOutSchema }, async (request, reply) => {
    checkPlace(request.raw, config)
    return reply.header('set-cookie', expiredSessionCookie(secure)).code(204).send(null)
  })
}

/** Behind the authentication. */
export function addSignedInRoute(api: WebApi, dependencies: { clock: Clock }): void {
  const schema = {
    tags: ['session'],
    summary: 'How long the session still lasts',
    response: answers(sessionAnswer),
  }
  api.get(path, { schema }, async (request) => {
    const { expiresAtMs } = principalOf(request.raw)
    if (expiresAtMs === null) throw notFound('The local token is no session.')
    return { expires_in: Math.max(0, Math.floor((expiresAtMs - dependencies.clock.now()) / 1000)) }
  })
}

/** Cookies are set and taken away only for the console's own pages, where these are served. */
function checkPlace(request: IncomingMessage, config: SessionConfig): void {
  if (config.consolePort !== null && !callOf(request).onConsolePort) {
    throw notFound('The console signs in on CONSOLE_PORT. Other programs use /admin/api/login.')
  }
  if (!isSameOrigin(request, config.publicUrl) && isFromBrowser(request)) {
    throw new AppError('cross_site_refused')
  }
}

function isFromBrowser(request: IncomingMessage): boolean {
  return request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined
}
