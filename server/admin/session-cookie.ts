// The console's session travels in a cookie that scripts cannot read and other sites cannot send.
import type { IncomingMessage } from 'node:http'

const name = 'sallyport_session'
const attributes = 'Path=/admin; HttpOnly; SameSite=Strict'

/** Null without the cookie, and also with two of them: which one counts would be a guess. */
export function readSessionCookie(request: IncomingMessage): string | null {
  const values = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  const [only] = values
  return only !== undefined && values.length === 1 ? only.slice(name.length + 1) : null
}

export function sessionCookie(token: string, expiresInSeconds: number, secure: boolean): string {
  return `${name}=${token}; ${attributes}; Max-Age=${expiresInSeconds}${secure ? '; Secure' : ''}`
}

export function expiredSessionCookie(secure: boolean): string {
  return sessionCookie('', 0, secure)
}
