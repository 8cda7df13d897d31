// Meters one provider call: secures its event before the provider is asked, and writes it before the answer's last byte goes out.
import { AppError } from '@sallyport/contract'
import type { Logger } from '../lib/logger.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { AskedUsage } from '../providers/providers.ts'
import type { CallToMeter, Meter, MeteredCall } from '../usage/usage.ts'
import { type AnswerWatch, watchAnswer } from './answer-watch.ts'
import type { PreparedBody } from './provider-body.ts'
import type { ChosenCall } from './provider-call.ts'

export type Metering = {
  /** Answers what watches the call's answer, or why the call must not be made. */
  open(call: ChosenCall, prepared: PreparedBody): MaybePromise<AnswerWatch | AppError>
}

export type MeteringDependencies = {
  meter: Meter
  logger: Pick<Logger, 'warn'>
}

export function createMetering({ meter, logger }: MeteringDependencies): Metering {
  return {
    open(call, prepared) {
      const { request, context, path, provider, key } = call
      const { method = '' } = request
      const usage = provider.findCallUsage({ method, path, isShared: key.isShared })
      const asked = usage?.findAsked(prepared.json) ?? null
      const target = describeTarget(call, prepared, asked)
      // A provider would take its default model, whose price nobody knows.
      if (usage && prepared.json && target.model === null && key.isShared && provider.pricedBy === 'token') {
        return new AppError('model_not_priced', { message: 'Name the model: its price counts.' })
      }
      const { clientId, credential, settings } = call.principal
      const { requestId } = context
      const opened = meter.open({ requestId, clientId, credential, method, target, settings })
      const { asksForUsage } = prepared
      const inputTextBytes = asked?.inputTextBytes ?? 0
      const report = () =>
        logger.warn('absurd usage of an answer was cut', {
          component: 'metering',
          request_id: requestId,
          path: context.path,
        })
      const watch = (metered: MeteredCall) =>
        watchAnswer({ context, metered, usage, inputTextBytes, asksForUsage, report })
      return after(opened, (metered) => (metered instanceof AppError ? metered : watch(metered)))
    },
  }
}

function describeTarget(
  { context, path, provider, key }: ChosenCall,
  { body, json }: PreparedBody,
  asked: AskedUsage | null,
): CallToMeter['target'] & { kind: 'provider' } {
  const base = {
    kind: 'provider' as const,
    endpoint: context.path,
    provider: provider.name,
    pricedBy: provider.pricedBy,
    isOwnKey: !key.isShared,
  }
  const [model = null] = provider.findNamedModels(path, json)
  // A list of models, a count of tokens: the provider takes nothing for it, so the price of no model counts.
  if (asked === null && provider.pricedBy === 'token') {
    return { ...base, model: null, ceiling: { inputBytes: 0, outputTokens: 0, choices: 0 } }
  }
  const { outputTokensMax: outputTokens, choices } = asked ?? { outputTokensMax: null, choices: 1 }
  const inputBytes = Buffer.isBuffer(body) ? body.length : null
  return { ...base, model, ceiling: { inputBytes, outputTokens, choices } }
}
