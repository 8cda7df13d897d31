// A browser sends the console's cookie by itself, so what came with it must come from the console's own pages.
import type { IncomingMessage } from 'node:http'

/**
 * Browsers name the relation in Sec-Fetch-Site, but over plain HTTP only for loopback; else Origin is compared.
 * Without either only a reading request passes: SameSite=Strict and the lack of CORS keep its answer from other sites.
 */
export function isSameOrigin(request: IncomingMessage, publicUrl: string | null): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = request.headers
  if (origin === undefined) return request.method === 'GET' || request.method === 'HEAD'
  if (!URL.canParse(origin)) return false
  const { host: originHost } = new URL(origin)
  return originHost === host || (publicUrl !== null && originHost === new URL(publicUrl).host)
}
