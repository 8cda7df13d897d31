// One service that calls are sent on to: its pool of kept connections, and a request on its way out.
import type { ErrorCode } from '@sallyport/contract'
import { Pool } from 'undici'
import type { Config } from '../config/config.ts'
import { Exchange, type ExchangeOrder } from './exchange.ts'
import { collectBody, shapeOfBody, streamBody } from './request-body.ts'

export type Outgoing = {
  /** Path and query; the path of the service's own address is put in front. */
  target: string
  /** A flat list of names and values, which is taken over. */
  headers: string[]
  /** The client's body as it comes, none, or one that was made here. */
  body: 'as it comes' | null | Buffer
}

export type Upstream = {
  send(order: ExchangeOrder, outgoing: Outgoing): void
  /** Cuts what is still open. */
  close(): Promise<void>
}

export type UpstreamConfig = Pick<
  Config,
  'limits' | 'upstreamConnectTimeoutMs' | 'upstreamHeadersTimeoutMs' | 'upstreamIdleTimeoutMs'
>

export type UpstreamDependencies = {
  config: UpstreamConfig
  /** Origin and perhaps a path. */
  baseUrl: string
  bodyBytesMax: number
  countFailure(code: ErrorCode): void
}

/** Header bytes of one answer. */
const answerHeaderBytesMax = 64 * 1024

export function createUpstream(dependencies: UpstreamDependencies): Upstream {
  const { config, bodyBytesMax, countFailure } = dependencies
  const { origin, pathname } = new URL(dependencies.baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const pool = createPool(origin, config)
  const terms = { tunnelIdleMs: config.upstreamIdleTimeoutMs, countFailure }

  function send(order: ExchangeOrder, { target, headers, body }: Outgoing): void {
    const path = basePath + target
    const method = order.request.method ?? 'GET'
    const exchange = new Exchange(order, terms)
    if (order.tunnel) pool.dispatch({ path, method, headers, upgrade: 'websocket' }, exchange)
    else if (body === null) pool.dispatch({ path, method, headers }, exchange)
    else if (body === 'as it comes') sendOn(order, exchange, { path, method, headers })
    else pool.dispatch({ path, method, headers, body }, exchange)
  }

  function sendOn(
    { request, response, context }: ExchangeOrder,
    exchange: Exchange,
    outgoing: { path: string; method: string; headers: string[] },
  ): void {
    const { path, method, headers } = outgoing
    const shape = shapeOfBody(request)
    if (context.expectsContinue && shape.kind !== 'none') response.writeContinue()
    if (shape.kind === 'none') pool.dispatch({ path, method, headers }, exchange)
    else if (shape.kind === 'small') {
      collectBody(request, shape.lengthBytes, (body) => {
        context.bytesIn = body.length
        if (!exchange.isOver) pool.dispatch({ path, method, headers, body }, exchange)
      })
    } else {
      // Its length is declared to the upstream as it was to us; without one it is chunked.
      if (shape.length !== null) headers.push('Content-Length', shape.length)
      const body = streamBody(request, context, bodyBytesMax)
      // A connection that fails leaves a body alone, and what is left of it could then not be discarded.
      response.once('close', () => body.destroy())
      pool.dispatch({ path, method, headers, body }, exchange)
    }
  }

  return { send, close: () => pool.destroy() }
}

function createPool(origin: string, config: UpstreamConfig): Pool {
  return new Pool(origin, {
    // As many as there can be calls: a short one never waits behind a long stream.
    connections: config.limits.concurrent_requests_max,
    pipelining: 1,
    allowH2: false,
    connectTimeout: config.upstreamConnectTimeoutMs,
    headersTimeout: config.upstreamHeadersTimeoutMs,
    bodyTimeout: config.upstreamIdleTimeoutMs,
    maxHeaderSize: answerHeaderBytesMax,
  })
}
