// Calls of routes of ours that have a price: paid for before their work begins, and written down before their answer goes out.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '@sallyport/contract'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import { EngineAwayError } from '../store/store.ts'
import type { CallOutcome, Meter, MeteredCall, MeteredTarget } from '../usage/usage.ts'
import { callOf } from '../web/web.ts'
import { callerOf } from './authenticate.ts'

/** What the work found out about its cost at a provider; it may fill that in also when it fails. */
export type Spent = Pick<CallOutcome, 'tokens' | 'model' | 'providerCostMicros'> & {
  /** 0: the client left without an answer when what it pays for had been done for it. */
  status?: 0
}

export type MeteredWork<Answer> = (
  spent: Spent,
) => Promise<{ status: number; answer: Answer }> | { status: number; answer: Answer }

export type PricedCall = {
  meter: Meter
  endpoint: string
  request: IncomingMessage
  response: ServerResponse
}

/** Opens the call that `request` makes; it is to be settled or cancelled once. Throws AppError when the client may not make it. */
export function openMetered(
  meter: Meter,
  request: IncomingMessage,
  target: MeteredTarget,
): MaybePromise<MeteredCall> {
  const { clientId, credential, settings } = callerOf(request)
  const { requestId } = callOf(request)
  const { method = '' } = request
  return after(meter.open({ requestId, clientId, credential, method, target, settings }), (opened) => {
    if (opened instanceof AppError) throw opened
    return opened
  })
}

/** Runs `work` between the opening of the call and its one event. Throws AppError when the client may not, and what `work` throws. */
export async function runMetered<Answer>(priced: PricedCall, work: MeteredWork<Answer>): Promise<Answer> {
  const { meter, endpoint, request, response } = priced
  const opening = openMetered(meter, request, { kind: 'endpoint', endpoint })
  const call = opening instanceof Promise ? await opening : opening
  const spent: Spent = { tokens: null }
  const settle = (status: number, bytesOut: number) => {
    const flags = response.destroyed ? (['aborted'] as const) : []
    call.settle({ status, bytesIn: bytesInOf(request), bytesOut, ...spent, flags })
  }
  try {
    const working = work(spent)
    const { status, answer } = working instanceof Promise ? await working : working
    response.statusCode = status
    settle(status, Buffer.byteLength(JSON.stringify(answer)))
    return answer
  } catch (error) {
    settle(statusOf(error), 0)
    throw error
  }
}

/** What `error` is answered with. */
export function statusOf(error: unknown): number {
  if (error instanceof AppError) return error.status
  return error instanceof EngineAwayError ? 503 : 500
}

function bytesInOf(request: IncomingMessage): number {
  return bodyBytes.get(request) ?? Number(request.headers['content-length'] ?? 0)
}

const bodyBytes = new WeakMap<IncomingMessage, number>()

/** For readers of their own: how long the body was. */
export function noteBodyBytes(request: IncomingMessage, bytes: number): void {
  bodyBytes.set(request, bytes)
}
