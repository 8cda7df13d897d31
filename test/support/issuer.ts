// An identity provider for tests: a real HTTP server with a discovery document and keys that rotate, and tokens of every kind.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>
export type IssuerKey = KeyPair & { kid: string; alg: string; jwk: JWK }

export type TokenWishes = {
  /** What the token says beside or in place of the usual; undefined takes a claim away. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  key?: IssuerKey
  issuedAtMs?: number
  ttlSeconds?: number
}

export type Issuer = {
  url: string
  /** How often each path was asked for. */
  asked: Record<string, number>
  /** A token of `subject` that is good for ten minutes. */
  sign(subject: string, wishes?: TokenWishes): Promise<string>
  /** A new key signs from now on; `keep` leaves the former ones published. */
  rotate(keep?: boolean): Promise<IssuerKey>
  current(): IssuerKey
  /** Answers of a path in place of the usual one. */
  override(path: string, answer: ((response: ServerResponse) => void) | null): void
  /** The server goes away, cutting every connection. */
  stop(): Promise<void>
  /** And comes back on the same port. */
  start(): Promise<void>
}

export const jwksPath = '/.well-known/jwks.json'
export const discoveryPath = '/.well-known/openid-configuration'

export async function makeIssuerKey(kid: string, alg = 'ES256'): Promise<IssuerKey> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return { ...pair, kid, alg, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' } }
}

export async function startIssuer(scope: { defer(close: () => Promise<unknown>): void }): Promise<Issuer> {
  const asked: Record<string, number> = {}
  const overrides = new Map<string, (response: ServerResponse) => void>()
  let made = 1
  let current = await makeIssuerKey('key-1')
  let published = [current.jwk]
  const port = { number: 0 }
  let running: { server: Server; sockets: Set<Socket> } | null = null

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    asked[path] = (asked[path] ?? 0) + 1
    const override = overrides.get(path)
    if (override) {
      override(response)
      return
    }
    const url = `http://127.0.0.1:${port.number}`
    const known: Record<string, object> = {
      [discoveryPath]: { issuer: url, jwks_uri: `${url}${jwksPath}` },
      [jwksPath]: { keys: published },
    }
    const found = known[path]
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}))
  }

  async function start(): Promise<void> {
    const server = createServer(answer)
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(port.number, '127.0.0.1', resolve))
    port.number = (server.address() as AddressInfo).port
    running = { server, sockets }
  }

  async function stop(): Promise<void> {
    const stopping = running
    running = null
    if (!stopping) return
    for (const socket of stopping.sockets) socket.destroy()
    await new Promise((resolve) => stopping.server.close(resolve))
  }

  await start()
  scope.defer(stop)
  const url = `http://127.0.0.1:${port.number}`
  return {
    url,
    asked,
    current: () => current,
    override: (path, give) => void (give ? overrides.set(path, give) : overrides.delete(path)),
    stop,
    start,
    async rotate(keep = true) {
      current = await makeIssuerKey(`key-${++made}`)
      published = keep ? [...published, current.jwk] : [current.jwk]
      return current
    },
    sign: (subject, wishes = {}) => signToken(url, subject, { key: current, ...wishes }),
  }
}

function signToken(
  issuer: string,
  subject: string,
  wishes: TokenWishes & { key: IssuerKey },
): Promise<string> {
  const { claims = {}, header = {}, key, issuedAtMs = Date.now(), ttlSeconds = 600 } = wishes
  const iat = Math.floor(issuedAtMs / 1000)
  const all: JWTPayload = { iss: issuer, sub: subject, iat, exp: iat + ttlSeconds, ...claims }
  const said = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new SignJWT(said)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey)
}
