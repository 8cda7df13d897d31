// Door of the gateway room, and the story of a call that is passed through. Calls to providers: provider-call.ts.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { Registry } from 'prom-client'
import type { Bindings } from '../bindings/bindings.ts'
import type { Config } from '../config/config.ts'
import type { CallContext, HttpHandlers, Tunnel } from '../http/http.ts'
import type { KeyedDigest } from '../lib/keyed-digest.ts'
import { createForwarder } from './forward.ts'
import { createGatewayMetrics } from './gateway-metrics.ts'
import { createJudge, type Verdict } from './judge.ts'
import { createProviderProxy, type ProviderProxyDependencies } from './provider-call.ts'
import { refuseBody } from './request-body.ts'
import { createRouting } from './routing.ts'

export { type CheckCaller, type CheckedCall, createCallerCheck } from './caller-check.ts'
export { readWrittenToken } from './carriers.ts'
export { maskToken, toDigestedText } from './token.ts'

export type GatewayDependencies = {
  config: Pick<
    Config,
    | 'downstreamAnonymous'
    | 'downstreamUrl'
    | 'limits'
    | 'publicUrl'
    | 'upstreamConnectTimeoutMs'
    | 'upstreamHeadersTimeoutMs'
    | 'upstreamIdleTimeoutMs'
  >
  bindings: Pick<Bindings, 'decide'>
  digest: KeyedDigest
  metrics: Registry
  /** Issuer of user tokens, which are never passed through; null while there is none. */
  userTokenIssuer: string | null
  providerCalls: Omit<ProviderProxyDependencies, 'config' | 'metrics' | 'userTokenIssuer'>
}

export type Gateway = Pick<HttpHandlers, 'passThrough' | 'upgrade' | 'proxy'> & {
  /** Cuts the connections to the downstream and to the providers. */
  close(): Promise<void>
}

/** The answer goes back as it is, and is only counted. */
const unwatched = { screen: null, watch: null }

type PassThroughCall = {
  request: IncomingMessage
  response: ServerResponse
  context: CallContext
  tunnel: Tunnel | null
}

export function createGateway(dependencies: GatewayDependencies): Gateway {
  const { config, bindings, digest, userTokenIssuer } = dependencies
  const { downstreamUrl, limits } = config
  const metrics = createGatewayMetrics(dependencies.metrics)
  const forwarder = downstreamUrl === null ? null : createForwarder({ config, downstreamUrl, metrics })
  const chooseRoute = createRouting(config.downstreamAnonymous)
  const judge = createJudge({ bindings, digest, metrics, userTokenIssuer })
  const providerProxy = createProviderProxy({
    config,
    metrics,
    userTokenIssuer,
    ...dependencies.providerCalls,
  })

  /** The story: where the call goes, whether it may, and then out and back. */
  function pass(call: PassThroughCall): Promise<void> | undefined {
    const { request, response, context, tunnel } = call
    if (forwarder === null) return refuse(context, new AppError('downstream_not_configured'))
    const tooLarge = refuseBody(request, limits.pass_through.body_bytes_max)
    if (tooLarge !== null) return refuse(context, tooLarge)
    const route = chooseRoute(request, context.path)
    const proceed = (verdict: Verdict): undefined => {
      if (verdict instanceof AppError) return refuse(context, verdict)
      // The client may have left while the decision was looked up.
      if (response.destroyed) return
      const { settle } = verdict
      const isPreflight = route === 'preflight'
      forwarder.forward({ request, response, context, tunnel, settle, ...unwatched, isPreflight })
    }
    const verdict = judge(request, context, route)
    return verdict instanceof Promise ? verdict.then(proceed) : proceed(verdict)
  }

  return {
    passThrough: (request, response, context) => pass({ request, response, context, tunnel: null }),
    upgrade: (request, response, context, tunnel) => pass({ request, response, context, tunnel }),
    proxy: providerProxy.proxy,
    async close() {
      await Promise.all([forwarder?.close(), providerProxy.close()])
    },
  }
}

function refuse(context: CallContext, reason: AppError): undefined {
  context.fail(reason)
}
