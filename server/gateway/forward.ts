// Sends an admitted call to the downstream and its answer back, through one pool of kept connections.
import type { IncomingMessage } from 'node:http'
import { AppError } from '@sallyport/contract'
import { Pool } from 'undici'
import type { Config } from '../config/config.ts'
import { withoutQueryKeys } from './carriers.ts'
import { Exchange, type ExchangeOrder } from './exchange.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import { toUpstreamHeaders } from './headers.ts'
import { collectBody, noBody, shapeOfBody, streamBody } from './request-body.ts'

export type ForwardOrder = ExchangeOrder & {
  /** A preflight goes out without credentials and without a body. */
  isPreflight: boolean
}

export type Forwarder = {
  forward(order: ForwardOrder): void
  /** Cuts what is still open. */
  close(): Promise<void>
}

export type ForwarderDependencies = {
  config: Pick<
    Config,
    'limits' | 'publicUrl' | 'upstreamConnectTimeoutMs' | 'upstreamHeadersTimeoutMs' | 'upstreamIdleTimeoutMs'
  >
  downstreamUrl: string
  metrics: Pick<GatewayMetrics, 'countFailure'>
}

/** Header bytes of one answer. */
const answerHeaderBytesMax = 64 * 1024

export function createForwarder(dependencies: ForwarderDependencies): Forwarder {
  const { config, metrics } = dependencies
  const { origin, pathname } = new URL(dependencies.downstreamUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const publicUrl = config.publicUrl === null ? null : new URL(config.publicUrl)
  const proto = publicUrl?.protocol.slice(0, -1) ?? 'http'
  const publicHost = publicUrl?.host
  const bodyBytesMax = config.limits.pass_through.body_bytes_max
  const pool = createPool(origin, config)
  const terms = { tunnelIdleMs: config.upstreamIdleTimeoutMs, countFailure: metrics.countFailure }

  function forward(order: ForwardOrder): void {
    const { request, response, context, tunnel, isPreflight } = order
    const headers = toUpstreamHeaders(request.rawHeaders, {
      from: { address: context.address.text, proto, host: publicHost ?? request.headers.host ?? '' },
      isUpgrade: tunnel !== null,
      withoutCredentials: isPreflight,
    })
    const path = basePath + (isPreflight ? withoutQueryKeys(context.target) : context.target)
    const method = request.method ?? 'GET'
    const exchange = new Exchange(order, terms)
    if (tunnel) {
      pool.dispatch({ path, method, headers, upgrade: 'websocket' }, exchange)
      return
    }
    const shape = isPreflight ? noBody : shapeOfBody(request)
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
      pool.dispatch({ path, method, headers, body }, exchange)
    }
  }

  return { forward, close: () => pool.destroy() }
}

/** A body of a declared length over the limit is refused before anything is sent on. */
export function refuseBody({ headers }: IncomingMessage, bodyBytesMax: number): AppError | null {
  const length = headers['content-length']
  return length !== undefined && Number(length) > bodyBytesMax ? new AppError('body_too_large') : null
}

function createPool(origin: string, config: ForwarderDependencies['config']): Pool {
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
