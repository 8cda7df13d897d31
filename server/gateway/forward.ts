// Sends an admitted call to the downstream and its answer back, with our word on who calls from where.
import type { Config } from '../config/config.ts'
import { withoutQueryKeys } from './carriers.ts'
import type { ExchangeOrder } from './exchange.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import { toUpstreamHeaders } from './headers.ts'
import { createUpstream, type UpstreamConfig } from './upstream.ts'

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
  config: UpstreamConfig & Pick<Config, 'publicUrl'>
  downstreamUrl: string
  metrics: Pick<GatewayMetrics, 'countFailure'>
}

export function createForwarder({ config, downstreamUrl, metrics }: ForwarderDependencies): Forwarder {
  const publicUrl = config.publicUrl === null ? null : new URL(config.publicUrl)
  const proto = publicUrl?.protocol.slice(0, -1) ?? 'http'
  const publicHost = publicUrl?.host
  const downstream = createUpstream({
    config,
    baseUrl: downstreamUrl,
    bodyBytesMax: config.limits.pass_through.body_bytes_max,
    countFailure: metrics.countFailure,
  })

  function forward(order: ForwardOrder): void {
    const { request, context, tunnel, isPreflight } = order
    const headers = toUpstreamHeaders(request.rawHeaders, {
      from: { address: context.address.text, proto, host: publicHost ?? request.headers.host ?? '' },
      isUpgrade: tunnel !== null,
      withoutCredentials: isPreflight,
    })
    const target = isPreflight ? withoutQueryKeys(context.target) : context.target
    downstream.send(order, { target, headers, body: isPreflight ? null : 'as it comes' })
  }

  return { forward, close: downstream.close }
}
