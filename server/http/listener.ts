// One node:http server: its limits, and each of its events led to the reception.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { isOwnPath, isProxyPath } from '@sallyport/contract'
import type { ConfigFile } from '../config/config.ts'
import type { Logger } from '../lib/logger.ts'
import { findAmbiguity } from './ambiguous.ts'
import type { ConnectionLimit } from './connection-limit.ts'
import type { Connections } from './connections.ts'
import { nodeHttp } from './node-http.ts'
import type { Arrival, Reception } from './reception.ts'

export type ListenerDependencies = {
  limits: ConfigFile['limits']
  reception: Reception
  connections: Connections
  connectionLimit: ConnectionLimit
  refuseUnparsed: (error: NodeJS.ErrnoException, socket: Socket) => void
}

/** Longer than the 60 s that proxies in front usually keep an idle connection: they, not we, should close it. */
const keepAliveTimeoutMs = 75_000
/** Often, so that a crowd of clients whose headers are late is cut in small groups: all at once they would hold up others. */
const lateHeadersPeriodMs = 250

export function createListener(dependencies: ListenerDependencies, onConsolePort: boolean): Server {
  const { limits, reception, connections, connectionLimit } = dependencies
  const server = nodeHttp.createServer({
    maxHeaderSize: limits.header_bytes_max,
    headersTimeout: limits.headers_timeout_ms,
    connectionsCheckingInterval: lateHeadersPeriodMs,
    // A long upload is fine; a silent one is found by the sweep.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Answered by us, in our envelope.
    requireHostHeader: false,
    shouldUpgradeCallback: isWebSocketUpgrade,
  })
  // No header is ever dropped silently; their bytes are bounded.
  server.maxHeadersCount = 0
  server.maxConnections = connectionLimit.connectionsMax
  server.on('drop', connectionLimit.noteTurnedAway)
  const accept = (request: IncomingMessage, response: ServerResponse, more: Partial<Arrival> = {}) =>
    reception.accept({ request, response, onConsolePort, ...more })
  server.on('connection', (socket) => connections.open(socket))
  server.on('clientError', (error, socket) => {
    if (socket instanceof Socket) dependencies.refuseUnparsed(error, socket)
  })
  server.on('request', (request, response) => accept(request, response))
  server.on('checkContinue', (request, response) => accept(request, response, { expectsContinue: true }))
  // Other expectations are ours to ignore (RFC 9110, 10.1.1), not to answer with a bare 417.
  server.on('checkExpectation', (request, response) => accept(request, response))
  server.on('upgrade', (request, socket, head) => {
    const response = createResponseOn(request, socket)
    if (response && socket instanceof Socket) accept(request, response, { tunnel: { socket, head } })
  })
  server.on('connect', (request, socket) => {
    const response = createResponseOn(request, socket)
    if (response) accept(request, response)
  })
  return server
}

/** Resolves with the port that was taken. Errors of later accepts (too many open files) go to the log. */
export function listenOn(
  server: Server,
  address: { host: string; port: number },
  logger: Logger,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.off('error', reject)
      server.on('error', (error) => logger.error('a connection could not be accepted', { error }))
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** Our own routes speak plain HTTP. */
function takesUpgrade(path: string): boolean {
  return isProxyPath(path) || !isOwnPath(path)
}

/** Any other upgrade is ignored and answered as a plain request, where `Upgrade` is a hop-by-hop header like others. */
function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const { headers, method, url = '' } = request
  return (
    method === 'GET' &&
    request.httpVersionMinor === 1 &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    url.startsWith('/') &&
    takesUpgrade(url.split('?', 1)[0] ?? '') &&
    findAmbiguity(request) === null
  )
}

/** After an upgrade or CONNECT Node hands over the bare socket; an answer on it needs a response of our own. */
function createResponseOn(request: IncomingMessage, socket: Duplex): ServerResponse | null {
  if (!(socket instanceof Socket)) {
    socket.destroy()
    return null
  }
  const response = new nodeHttp.ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('error', () => socket.destroy())
  // Node's own forwarding of this event was taken off with the upgrade.
  socket.on('drain', () => response.emit('drain'))
  response.once('finish', () => socket.destroySoon())
  return response
}
