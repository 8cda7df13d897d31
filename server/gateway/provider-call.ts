// The story of a call to a provider: who calls, may it, on whose key, and out and back without the caller ever seeing that key.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { CallContext, HttpHandlers, Tunnel } from '../http/http.ts'
import type { Callers, Principal } from '../identity/identity.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Provider, ProviderKey, Providers } from '../providers/providers.ts'
import { createIdentifyCaller } from './caller.ts'
import type { CheckCaller } from './caller-check.ts'
import { createClientLoad, type Share } from './client-load.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import { createMetering, type MeteringDependencies } from './metering.ts'
import { createPrepareBody } from './provider-body.ts'
import { createProviderForwarder } from './provider-forward.ts'
import type { UpstreamConfig } from './upstream.ts'

export type ProviderProxyDependencies = MeteringDependencies & {
  config: UpstreamConfig
  callers: Callers
  checkCaller: CheckCaller
  providers: Pick<Providers, 'find' | 'chooseKey'>
  metrics: Pick<GatewayMetrics, 'countFailure'>
  /** Issuer of user tokens; null while there is none. */
  userTokenIssuer: string | null
  /** Is this failure an engine that could not be asked? */
  isEngineAway(error: unknown): boolean
}

export type ProviderProxy = Pick<HttpHandlers, 'proxy'> & {
  /** Cuts the connections to the providers. */
  close(): Promise<void>
}

type ProviderCall = {
  request: IncomingMessage
  response: ServerResponse
  context: CallContext
  tunnel: Tunnel | null
  /** What follows the provider's name: the target at the provider, and the same without its query. */
  target: string
  path: string
}

/** A call of which everything is known that decides what of it goes on. */
export type ChosenCall = ProviderCall & {
  principal: Principal
  share: Share
  provider: Provider
  key: ProviderKey
}

type Work = Promise<void> | undefined

/** `/proxy/<provider>`, and what is the provider's own. */
const ownPart = /^\/proxy\/?([^/?]*)/

export function createProviderProxy(dependencies: ProviderProxyDependencies): ProviderProxy {
  const { config, checkCaller, providers, userTokenIssuer, isEngineAway } = dependencies
  const identifyCaller = createIdentifyCaller(dependencies.callers, userTokenIssuer)
  const clientLoad = createClientLoad(config.limits.providers)
  const prepareBody = createPrepareBody(config.limits.providers)
  const metering = createMetering(dependencies)
  const forwarder = createProviderForwarder(config, dependencies.metrics)

  /** The story. Each step answers at once when it can; a refusal ends it. */
  function pass(call: ProviderCall, name: string): Work {
    const { request, context } = call
    if (request.method === 'TRACE') return refuse(context, new AppError('method_not_allowed'))
    const provider = providers.find(name)
    return step(call, identifyCaller(request, context, provider?.keySlot ?? null), (principal) =>
      step(call, enter(call, principal), (share) =>
        step(call, checkCaller(principal, describeCall(call)), () =>
          step(call, findOpen(provider, name, principal), (open) =>
            step(call, chooseKey(open, principal), (key) => {
              const chosen = { ...call, principal, share, provider: open, key }
              return step(call, prepareBody(chosen), (prepared) =>
                step(
                  call,
                  metering.open(chosen, prepared),
                  (watch) => forwarder.forward(chosen, prepared.body, watch),
                  (watch) => watch.cancel(),
                ),
              )
            }),
          ),
        ),
      ),
    )
  }

  /** What a client holds is given back when its call has ended, however it ends. */
  function enter({ response, tunnel }: ProviderCall, { clientId }: Principal): Share | AppError {
    const share = clientLoad.enter(clientId)
    if (!(share instanceof AppError)) (tunnel ? tunnel.socket : response).once('close', share.release)
    return share
  }

  function chooseKey(provider: Provider, principal: Principal): MaybePromise<ProviderKey | AppError> {
    const key = providers.chooseKey(provider, principal)
    return key instanceof Promise ? key.then(orMissing) : orMissing(key)
  }

  function fail(context: CallContext, error: unknown): undefined {
    const failure = isEngineAway(error)
      ? new AppError('failsafe_closed', { retryAfterSeconds: 1, cause: error })
      : error
    context.fail(failure)
  }

  return {
    proxy(request, response, context, tunnel) {
      const name = ownPart.exec(context.target)
      const rest = context.target.slice(name?.[0].length)
      const target = rest.startsWith('/') ? rest : `/${rest}`
      const path = target.split('?', 1)[0] ?? target
      try {
        const work = pass({ request, response, context, tunnel, target, path }, name?.[1] ?? '')
        return work?.catch((error) => fail(context, error))
      } catch (error) {
        return fail(context, error)
      }
    },
    close: forwarder.close,
  }
}

/** Goes on with what a step found. The client may have left while it was looked up: then it is given back. */
function step<Value>(
  call: ProviderCall,
  found: MaybePromise<Value | AppError>,
  next: (value: Value) => Work,
  giveBack?: (value: Value) => void,
): Work {
  if (found instanceof Promise) return found.then((value) => step(call, value, next, giveBack))
  if (found instanceof AppError) return refuse(call.context, found)
  if (!call.response.destroyed) return next(found)
  giveBack?.(found)
}

function refuse(context: CallContext, reason: AppError): undefined {
  context.fail(reason)
}

function describeCall({ request, response, context }: ProviderCall) {
  const setHeader = (name: string, value: string) => void response.setHeader(name, value)
  return { context, method: request.method ?? '', setHeader }
}

/** Scope before existence: a credential learns of no provider that it may not use. */
function findOpen(provider: Provider | null, name: string, { scopes }: Principal): Provider | AppError {
  if (scopes !== null && !scopes.includes('proxy') && !scopes.includes(`proxy:${name}`)) {
    return new AppError('scope_missing')
  }
  return provider ?? new AppError('unknown_provider')
}

function orMissing(key: ProviderKey | null): ProviderKey | AppError {
  return key ?? new AppError('provider_key_missing')
}
