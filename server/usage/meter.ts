// One metered call from its opening to its one event: priced, room secured, reserved in its budgets, written, settled.
import { AppError, type UsageEvent } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { after } from '../lib/maybe-promise.ts'
import { createUuidV7 } from '../lib/uuid-v7.ts'
import type { Budgets } from './budgets.ts'
import type { CallOutcome, CallToMeter, Meter, MeteredCall, UsageFlag } from './metering-types.ts'
import type { OpenCall, OpenCalls } from './open-calls.ts'
import type { Prices } from './prices.ts'
import { type Bill, type Quote, quote } from './quote.ts'
import type { LedgerSlot, UsageLedger } from './usage-ledger.ts'

export type MeterDependencies = {
  prices: Prices
  ledger: Pick<UsageLedger, 'reserve'>
  openCalls: OpenCalls
  budgets: Pick<Budgets, 'reserve' | 'settle'>
  clock: Clock
  logger: Logger
}

type Opened = { call: CallToMeter; quoted: Quote; slot: LedgerSlot; open: OpenCall; startedMs: number }

export function createMeter(dependencies: MeterDependencies): Meter {
  const { prices, ledger, openCalls, budgets, clock } = dependencies

  return {
    open(call) {
      const quoted = quote(prices, call)
      if (quoted instanceof AppError) return quoted
      const slot = ledger.reserve()
      if (slot === null) return new AppError('journal_full', { retryAfterSeconds: 1 })
      const beganMs = clock.now()
      const open: OpenCall = {
        id: createUuidV7(beganMs),
        clientId: call.clientId,
        beganMs,
        amountMicros: quoted.maxMicros,
        tallies: new Set(),
        budgets: null,
      }
      openCalls.add(open)
      const opened = { call, quoted, slot, open, startedMs: clock.monotonicMs() }
      return after(budgets.reserve(open, call.settings.budgets), (refusal) => {
        if (refusal === null) return createMeteredCall(dependencies, opened)
        slot.release()
        return refusal
      })
    },
  }
}

function createMeteredCall(dependencies: MeterDependencies, opened: Opened): MeteredCall {
  const { budgets, logger, clock } = dependencies
  const { call, quoted, slot, open, startedMs } = opened
  let isOver = false
  return {
    settle(outcome) {
      if (isOver) return
      isOver = true
      const bill = quoted.settle(outcome)
      if (bill.isBounded) {
        logger.warn('absurd usage reported by an upstream was cut', {
          component: 'usage',
          request_id: call.requestId,
        })
      }
      const durationMs = Math.max(0, Math.round(clock.monotonicMs() - startedMs))
      slot.write(toEvent(call, { id: open.id, beganMs: open.beganMs, durationMs }, outcome, bill))
      budgets.settle(open, bill.costMicros)
    },
    cancel() {
      if (isOver) return
      isOver = true
      slot.release()
      budgets.settle(open, 0)
    },
  }
}

type Moment = { id: string; beganMs: number; durationMs: number }

function toEvent(call: CallToMeter, moment: Moment, outcome: CallOutcome, bill: Bill): UsageEvent {
  const { target } = call
  const isProvider = target.kind === 'provider'
  return {
    id: moment.id,
    request_id: call.requestId,
    created_at: new Date(moment.beganMs).toISOString(),
    client_id: call.clientId,
    credential: call.credential,
    endpoint: target.endpoint,
    provider: isProvider ? target.provider : null,
    model: (isProvider ? target.model : null) ?? outcome.model ?? null,
    method: call.method,
    status: outcome.status,
    duration_ms: moment.durationMs,
    bytes_in: outcome.bytesIn,
    bytes_out: outcome.bytesOut,
    tokens_in: bill.tokens?.tokensIn ?? null,
    tokens_out: bill.tokens?.tokensOut ?? null,
    tokens_cached: bill.tokens?.tokensCached ?? null,
    unit_price_micros: bill.unitPriceMicros,
    cost_micros: bill.costMicros,
    provider_cost_micros: bill.providerCostMicros,
    flags: collectFlags(target, outcome, bill),
  }
}

function collectFlags(target: CallToMeter['target'], { flags }: CallOutcome, bill: Bill): UsageFlag[] {
  const all = [...flags]
  if (bill.isBounded && !all.includes('bounded')) all.push('bounded')
  if (target.kind === 'provider' && target.isOwnKey) all.push('own_key')
  return all
}
