// What of a provider call's body has to be looked at before it goes on: on a shared key all of it, else the model at most.
import { AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { JsonObject, StatelessRoute } from '../providers/providers.ts'
import { parseJsonBody } from './json-body.ts'
import type { ChosenCall } from './provider-call.ts'
import { collectWholeBody, refuseBody, shapeOfBody } from './request-body.ts'
import type { Outgoing } from './upstream.ts'

export type PreparedBody = {
  body: Outgoing['body']
  /** What was read of it; null: it was not looked at, or there is none. */
  json: JsonObject | null
  /** The body asks for usage where the caller did not, so its answer has something that the caller must not see. */
  asksForUsage: boolean
}

/** Answers the body to send, or why the call is refused; without a promise when the body can stream on untouched. */
export type PrepareBody = (call: ChosenCall) => MaybePromise<PreparedBody | AppError>

const untouched: PreparedBody = { body: 'as it comes', json: null, asksForUsage: false }
const none: PreparedBody = { body: null, json: null, asksForUsage: false }

export function createPrepareBody(limits: Config['limits']['providers']): PrepareBody {
  function collectJson(call: ChosenCall): MaybePromise<JsonObject | AppError> {
    const { request, response, context, share } = call
    const { headers } = request
    const bytesMax = limits.shared_body_bytes_max
    const length = headers['content-length']
    const tooLarge = refuseBody(request, bytesMax)
    if (tooLarge !== null) return tooLarge
    if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
      return new AppError('unsupported_media_type', { message: 'Send the body as JSON, not compressed.' })
    }
    const noRoom = share.reserve(length === undefined ? bytesMax : Number(length))
    if (noRoom !== null) return noRoom
    if (context.expectsContinue) response.writeContinue()
    return collectWholeBody(request, context, bytesMax).then((body) =>
      body instanceof AppError ? body : parseJsonBody(body),
    )
  }

  function prepareShared(call: ChosenCall, route: StatelessRoute): MaybePromise<PreparedBody | AppError> {
    return after(collectJson(call), (json) => {
      if (json instanceof AppError) return json
      const stored = call.provider.findStoredThing(json)
      if (stored !== null) return refuseStored(stored)
      return refuseModel(call, json) ?? toBody(call, route.hasStore ? { ...json, store: false } : json)
    })
  }

  function prepareForModels(call: ChosenCall): MaybePromise<PreparedBody | AppError> {
    return after(collectJson(call), (json) => {
      if (json instanceof AppError) return json
      // In our serialisation: the bytes of the caller could name another model to another parser.
      return refuseModel(call, json) ?? toBody(call, json)
    })
  }

  return (call) => {
    const { request, path, provider, key, principal, tunnel } = call
    const { method = '' } = request
    if (key.isShared) {
      const route = tunnel ? null : provider.findStatelessRoute(method, path)
      if (route === null) return new AppError('route_not_shared')
      if (route.method === 'POST') return prepareShared(call, route)
      return refuseModel(call, null) ?? none
    }
    if (principal.models === null) return refuseBody(request, limits.body_bytes_max) ?? untouched
    if (!tunnel && shapeOfBody(request).kind !== 'none') return prepareForModels(call)
    return refuseModel(call, null) ?? (tunnel ? untouched : none)
  }
}

/** A call that names no model can only be let through when it asks for nothing to be made. */
function refuseModel({ principal, provider, path, request, tunnel }: ChosenCall, json: JsonObject | null) {
  const { models } = principal
  if (models === null) return null
  const named = provider.findNamedModels(path, json)
  const isReading = (request.method === 'GET' || request.method === 'HEAD') && !tunnel && json === null
  if (named.length === 0) return isReading ? null : new AppError('model_not_allowed')
  return named.every((model) => models.includes(model)) ? null : new AppError('model_not_allowed')
}

function refuseStored(found: string): AppError {
  return new AppError('route_not_shared', {
    message: `On the shared key nothing may be kept or reached that is kept, and the body names such a thing (${found}). Use a provider key of your own.`,
  })
}

function toBody({ request, path, provider, key }: ChosenCall, json: JsonObject): PreparedBody {
  const { method = '' } = request
  const asking = provider.findCallUsage({ method, path, isShared: key.isShared })?.askForUsage(json) ?? null
  const body = Buffer.from(JSON.stringify(asking ?? json))
  return { body, json, asksForUsage: asking !== null }
}
