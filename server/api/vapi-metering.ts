// Meters the voice calls of devices: each start and each stop is a call to the provider vapi on the operator's key.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import type { VapiAnswer } from '../providers/providers.ts'
import type { Meter } from '../usage/usage.ts'
import { callOf } from '../web/web.ts'
import { openMetered, statusOf } from './metered.ts'

/** Runs `work` between the opening of the call and its one event. Throws AppError when it may not be made, and what `work` throws. */
export type MeterVapi = (
  request: IncomingMessage,
  response: ServerResponse,
  work: () => Promise<VapiAnswer>,
) => Promise<VapiAnswer>

export function createMeterVapi(meter: Meter): MeterVapi {
  return async (request, response, work) => {
    const metered = await openMetered(meter, request, {
      ...{ kind: 'provider', endpoint: callOf(request).path, provider: 'vapi', pricedBy: 'call' },
      ...{ model: null, isOwnKey: false, ceiling: { inputBytes: 0, outputTokens: 0, choices: 0 } },
    })
    const bytesIn = Number(request.headers['content-length'] ?? 0)
    const settle = (status: number, bytesOut: number) => {
      const flags = response.destroyed ? (['aborted'] as const) : []
      metered.settle({ status, bytesIn, bytesOut, tokens: null, flags })
    }
    try {
      const answer = await work()
      settle(answer.status, Buffer.byteLength(JSON.stringify(answer.json) ?? ''))
      return answer
    } catch (error) {
      // A call that is refused before the provider was asked is none of it.
      if (error instanceof AppError && error.status < 500) metered.cancel()
      else settle(statusOf(error), 0)
      throw error
    }
  }
}
