// Development or production: where users' provider keys come from, and whom development mode may serve at all.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { parseIpAddress } from '../lib/ip-address.ts'

export type KeyMode = 'development' | 'production'

export type ModeConfig = Pick<
  Config,
  'debug' | 'deployEnv' | 'host' | 'publicUrl' | 'trustedProxyIps' | 'pgDsn' | 'corsOrigins'
>

/** What of a request tells whether it was made on this machine, by this machine's user. */
export type ArrivedRequest = {
  httpVersion: string
  /** Address of the TCP peer. */
  peer: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export function chooseMode({ debug, deployEnv }: Pick<Config, 'debug' | 'deployEnv'>): KeyMode {
  return debug || deployEnv === null ? 'development' : 'production'
}

/**
 * Development mode needs no token, so it must never serve anyone but the person at this machine: a server that was put
 * on the network without DEPLOY_ENV answers nobody. Null: the request may pass.
 */
export function createDevelopmentGuard(config: ModeConfig): (request: ArrivedRequest) => AppError | null {
  const exposure = findExposure(config)
  return (request) => {
    const reason = exposure ?? findForeignTrace(request, config.corsOrigins)
    return reason === null ? null : new AppError('mode_not_chosen', { detail: `development mode: ${reason}` })
  }
}

/** What in the configuration says that others are served from here. */
function findExposure({ host, publicUrl, trustedProxyIps, pgDsn }: ModeConfig): string | null {
  if (!isLoopbackName(host)) return 'HOST is not a loopback address'
  if (publicUrl !== null) return 'PUBLIC_URL is set'
  if (trustedProxyIps.length > 0) return 'TRUSTED_PROXY_IPS is set'
  if (pgDsn !== null) return 'PG_DSN is set'
  return null
}

/** Headers that only a proxy in front adds; with one of them the caller is somewhere else. */
const forwardingHeader =
  /^(forwarded|via|x-forwarded(-.*)?|x-real-ip|x-original-.*|x-client-ip|x-cluster-client-ip|client-ip|true-client-ip|cf-.*|fly-.*|x-envoy-.*|x-vercel-.*|x-arr-.*|x-appengine-.*|x-amzn-.*|x-azure-.*|x-proxyuser-ip|x-host)$/

function findForeignTrace(request: ArrivedRequest, corsOrigins: readonly string[]): string | null {
  const { httpVersion, peer, headers } = request
  if (httpVersion !== '1.1') return `HTTP/${httpVersion}`
  if (!isLoopbackName(peer)) return 'the peer is not this machine'
  const host = textOf(headers.host)
  if (!isLoopbackAuthority(host)) return 'Host does not name this machine'
  const forwarded = Object.keys(headers).find((name) => forwardingHeader.test(name))
  if (forwarded !== undefined) return `a forwarding header (${forwarded})`
  if (isForeignPage(headers, host, corsOrigins)) return 'a page of another origin'
  const type = textOf(headers['content-type'])
  // A page may send forms and plain text anywhere without being asked first.
  return type === '' || /^application\/json *(;|$)/i.test(type) ? null : 'a body that is not JSON'
}

/** Pages of a listed origin may call, as far as they are served by this machine, too. */
function isForeignPage(
  headers: ArrivedRequest['headers'],
  host: string,
  corsOrigins: readonly string[],
): boolean {
  const origin = textOf(headers.origin)
  if (origin === '') return textOf(headers['sec-fetch-site']) === 'cross-site'
  if (origin === `http://${host}`) return false
  return !corsOrigins.includes(origin) || !isLoopbackAuthority(URL.parse(origin)?.host ?? '')
}

/** Several values are joined, and name nothing then. */
function textOf(value: string | string[] | undefined): string {
  return value === undefined ? '' : String(value).trim()
}

function isLoopbackAuthority(authority: string): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[^:@/[\]]+)(?::\d{1,5})?$/i.exec(authority)?.[1]
  return name !== undefined && isLoopbackName(name.replace(/^\[|\]$/g, ''))
}

function isLoopbackName(name: string): boolean {
  if (/^localhost$/i.test(name)) return true
  const text = parseIpAddress(name)?.text
  return text !== undefined && (text === '::1' || text.startsWith('127.'))
}
