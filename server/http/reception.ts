// Takes each request in: refuses what is ambiguous, settles whose it is, counts it, and hands it to its handler.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, isOwnPath, isProxyPath } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Admission, RequestKind } from './admission.ts'
import { findAmbiguity, toOriginForm } from './ambiguous.ts'
import { Call, type CallContext } from './call-context.ts'
import { logCall } from './call-log.ts'
import { CallsInWork } from './calls-in-work.ts'
import { resolveClientAddress } from './client-address.ts'
import type { Connection, Connections } from './connections.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { refuseOwnPath } from './own-routes.ts'
import type { ProxyMistakes } from './proxy-mistakes.ts'

/** A handler answers in its own time; what it throws or rejects with becomes the answer. */
export type Handler = (request: IncomingMessage, response: ServerResponse, context: CallContext) => Work
type Work = Promise<void> | undefined

/** A connection that asks to become a WebSocket: `head` are bytes that came behind the request. */
export type Tunnel = { readonly socket: Socket; readonly head: Buffer }

export type HttpHandlers = {
  /** Paths of our own (contract `isOwnPath`). `X-Request-Id` is set already. */
  own: Handler
  /** Paths of our own that pass calls on to providers (contract `isProxyPath`), WebSocket upgrades among them. */
  proxy(request: IncomingMessage, response: ServerResponse, context: CallContext, tunnel: Tunnel | null): Work
  /** All other paths. */
  passThrough: Handler
  /** WebSocket upgrades on all other paths. An answer other than 101 goes through `response`. */
  upgrade(request: IncomingMessage, response: ServerResponse, context: CallContext, tunnel: Tunnel): Work
}

export type Arrival = {
  request: IncomingMessage
  response: ServerResponse
  onConsolePort: boolean
  expectsContinue?: boolean
  tunnel?: Tunnel
}

export type ReceptionDependencies = {
  handlers: HttpHandlers
  hasConsolePort: boolean
  clock: Clock
  logger: Logger
  metrics: HttpMetrics
  admission: Admission
  connections: Connections
  proxyMistakes: ProxyMistakes
}

export type Reception = {
  accept(arrival: Arrival): void
  /** Calls whose answer has not ended. */
  readonly callsInWork: CallsInWork
  /** From now on every answer is the last one on its connection. */
  startClosing(): void
}

/** What a refused client may still send of a body before it is cut off. */
const discardMs = 2000

export function createReception(dependencies: ReceptionDependencies): Reception {
  const { handlers, clock, connections, admission, proxyMistakes } = dependencies
  const callsInWork = new CallsInWork()
  let isClosing = false

  function accept(arrival: Arrival): void {
    const { request, response, onConsolePort, expectsContinue = false, tunnel } = arrival
    const connection = connections.of(request.socket)
    if (connection === null) request.socket.destroy()
    // What follows an ambiguous request on its connection may be smuggled, and is never looked at.
    if (connection === null || connection.refused) return
    const { peer } = connection
    const startedMs = clock.monotonicMs()
    const call = new Call({ request, response, peer, onConsolePort, expectsContinue, startedMs })
    connection.latestCall = call
    callsInWork.add(call)
    if (isClosing) response.shouldKeepAlive = false
    const ending = tunnel ? tunnel.socket : response
    ending.on('close', () => finish(call, connection))
    try {
      const refusal = examine(call, connection) ?? route(call, tunnel)
      if (refusal !== null) call.fail(refusal)
    } catch (error) {
      call.fail(error)
    }
  }

  /** Fills in what the call is; answers why it goes no further. */
  function examine(call: Call, connection: Connection): AppError | null {
    const { request } = call
    const ambiguity = findAmbiguity(request)
    if (ambiguity !== null) {
      connection.refused = true
      call.response.shouldKeepAlive = false
      return new AppError('ambiguous_request', { detail: ambiguity })
    }
    call.aim(toOriginForm(request.url ?? ''))
    const address = resolveClientAddress(connection.peer, connection.isTrusted, request.headers)
    if (address === null) return new AppError('bad_client_address')
    if (!connection.isTrusted && request.headers['x-real-ip'] !== undefined) {
      proxyMistakes.note(connection.peer.text)
    }
    call.address = address
    call.realIpUsed = address !== connection.peer
    const kind = kindOf(call.path)
    const refusal = admission.enter(kind, address)
    if (refusal === null) call.admittedAs = kind
    return refusal
  }

  function route(call: Call, tunnel: Tunnel | undefined): AppError | null {
    const { request, response, onConsolePort } = call
    if (call.admittedAs !== 'passThrough') {
      const { hasConsolePort } = dependencies
      const refusal = refuseOwnPath(call.path, { hasConsolePort, onConsolePort })
      if (refusal !== null) return refusal
      if (call.admittedAs === 'proxy') {
        follow(call, handlers.proxy(request, response, call, tunnel ?? null))
        return null
      }
      response.setHeader('X-Request-Id', call.requestId)
      // Our own routes take small bodies only, and their handler knows nothing of this.
      if (call.expectsContinue) response.writeContinue()
      follow(call, handlers.own(request, response, call))
      return null
    }
    if (onConsolePort) return new AppError('not_found')
    if (tunnel) follow(call, handlers.upgrade(request, response, call, tunnel))
    else follow(call, handlers.passThrough(request, response, call))
    return null
  }

  function follow(call: Call, work: Work): void {
    work?.catch((error) => call.fail(error))
  }

  function finish(call: Call, connection: Connection): void {
    const { request, isAborted } = call
    callsInWork.delete(call)
    if (call.admittedAs !== null) admission.leave(call.admittedAs, call.address)
    const durationMs = clock.monotonicMs() - call.startedMs
    dependencies.metrics.countCall({ status: call.status, seconds: durationMs / 1000, isAborted })
    logCall(dependencies.logger, call, durationMs)
    if (isClosing && connection.latestCall === call) request.socket.destroySoon()
    else if (!request.complete) discardRest(request)
  }

  /** The answer is out before the body was read to its end: a little more is taken, so that the client sees the answer. */
  function discardRest(request: IncomingMessage): void {
    request.resume()
    clock.after(discardMs, () => {
      if (!request.complete) request.socket.destroy()
    })
  }

  function startClosing(): void {
    isClosing = true
    for (const { response } of callsInWork.list()) response.shouldKeepAlive = false
  }

  return { accept, callsInWork, startClosing }
}

function kindOf(path: string): RequestKind {
  if (!isOwnPath(path)) return 'passThrough'
  return isProxyPath(path) ? 'proxy' : 'own'
}
