// Meters one provider call: secures its event before the provider is asked, and writes it before the answer's last byte goes out.
import { AppError } from '@sallyport/contract'
import type { CallContext } from '../http/http.ts'
import type { Logger } from '../lib/logger.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import type { AskedUsage } from '../providers/providers.ts'
import type { CallToMeter, Meter } from '../usage/usage.ts'
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
  function reportBounded({ requestId, path }: CallContext): void {
    const told = { component: 'metering', request_id: requestId, path }
    logger.warn('absurd usage of an answer was cut', told)
  }

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
      return after(opened, (metered) =>
        metered instanceof AppError
          ? metered
          : watchAnswer({ context, metered, usage, inputTextBytes, asksForUsage, reportBounded }),
      )
    },
  }
}

/** A list of models, a count of tokens: the provider takes nothing for it, so the price of no model counts. */
const freeCeiling = { inputBytes: 0, outputTokens: 0, choices: 0 }

function describeTarget(
  { context, path, provider, key }: ChosenCall,
  { body, json }: PreparedBody,
  asked: AskedUsage | null,
): CallToMeter['target'] & { kind: 'provider' } {
  const { name, pricedBy } = provider
  const isFree = asked === null && pricedBy === 'token'
  const [model = null] = isFree ? [] : provider.findNamedModels(path, json)
  const inputBytes = Buffer.isBuffer(body) ? body.length : null
  const ceiling = { inputBytes, outputTokens: asked?.outputTokensMax ?? null, choices: asked?.choices ?? 1 }
  return {
    kind: 'provider',
    endpoint: context.path,
    provider: name,
    pricedBy,
    isOwnKey: !key.isShared,
    model,
    ceiling: isFree ? freeCeiling : ceiling,
  }
}
