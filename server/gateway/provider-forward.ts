// Sends a provider call out under the provider's key and its answer back, through one pool of connections for each provider.
import { AppError } from '@sallyport/contract'
import type { Provider } from '../providers/providers.ts'
import type { AnswerWatch } from './answer-watch.ts'
import type { AnswerScreen } from './exchange.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import type { ChosenCall } from './provider-call.ts'
import { toProviderHeaders, toProviderTarget, withoutAccount } from './provider-headers.ts'
import { createUpstream, type Outgoing, type Upstream, type UpstreamConfig } from './upstream.ts'

export type ProviderForwarder = {
  forward(call: ChosenCall, body: Outgoing['body'], watch: AnswerWatch): undefined
  close(): Promise<void>
}

export function createProviderForwarder(
  config: UpstreamConfig,
  metrics: Pick<GatewayMetrics, 'countFailure'>,
): ProviderForwarder {
  const bodyBytesMax = config.limits.providers.body_bytes_max
  /** As many as there are providers in the configuration. */
  const upstreams = new Map<string, Upstream>()

  function upstreamOf({ name, baseUrl }: Provider): Upstream {
    const known = upstreams.get(name)
    if (known) return known
    const made = createUpstream({ config, baseUrl, bodyBytesMax, countFailure: metrics.countFailure })
    upstreams.set(name, made)
    return made
  }

  return {
    forward(call, body, watch) {
      const { request, response, context, tunnel, provider, key } = call
      const headers = toProviderHeaders(request.rawHeaders, {
        provider,
        key,
        isUpgrade: tunnel !== null,
        isJsonMadeHere: Buffer.isBuffer(body),
      })
      const target = toProviderTarget(call.target, provider, key)
      const screen = key.isShared ? screenShared(provider) : null
      const order = { request, response, context, tunnel, settle: null, screen, watch }
      upstreamOf(provider).send(order, { target, headers, body })
    },
    async close() {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
    },
  }
}

/** A caller must not take the failure of the operator's key for one of its own credential, nor see what is said of it. */
function screenShared({ name }: Provider): AnswerScreen {
  return (status, headers) => {
    if (status !== 401 && status !== 403) return withoutAccount(headers)
    return new AppError('provider_key_rejected', { detail: `${name} answered ${status} to the shared key` })
  }
}
