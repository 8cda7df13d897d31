// POST /admin/api/login: a password for a bearer token.
import { loginAnswer, loginRequest } from '@sallyport/contract'
import { answers, callOf, type WebApi } from '../web/web.ts'
import type { SignIn } from './sign-in.ts'

export function addLoginRoute(api: WebApi, signIn: SignIn): void {
  const schema = {
    tags: ['session'],
    summary: 'Sign in for a bearer token',
    body: loginRequest,
    response: answers(loginAnswer),
    security: [],
  }
  api.post('/admin/api/login', { schema }, async (request) => {
    const session = await signIn(request.body.password, callOf(request.raw), 'password')
    return {
      access_token: session.token,
      token_type: 'bearer' as const,
      expires_in: session.expiresInSeconds,
    }
  })
}
