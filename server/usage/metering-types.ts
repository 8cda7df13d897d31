// What metering is told of a call and answers: one usage event for each call, secured before anything is spent.
import type { AppError, ClientSettings } from '@sallyport/contract'
import type { MaybePromise } from '../lib/maybe-promise.ts'

/** Tokens as a provider reported them, bounded and never negative. `tokensIn` holds the cached ones too. */
export type TokenUsage = { tokensIn: number; tokensOut: number; tokensCached: number }

/**
 * `aborted`: the client left or the upstream broke off before the end; `estimated`: the tokens are a lower bound counted
 * from what passed; `bounded`: the upstream reported absurd usage, which was cut; `own_key`: paid by the client's own key.
 */
export type UsageFlag = 'aborted' | 'estimated' | 'bounded' | 'own_key'

/** What is called and how it is priced. */
export type MeteredTarget =
  /** An endpoint of ours with a price for each call, such as `/api/video/buffer`. */
  | { kind: 'endpoint'; endpoint: string }
  | {
      kind: 'provider'
      /** Path as the client called it, without its query: `/proxy/openai/v1/chat/completions`. */
      endpoint: string
      provider: string
      pricedBy: 'token' | 'call'
      /** Null: the call names none (a list of models), or its body was not looked at (own key). */
      model: string | null
      isOwnKey: boolean
      /** What the call may use at most, for its reservation; null: unknown, and the model's own limits count. */
      ceiling: { inputBytes: number | null; outputTokens: number | null; choices: number }
    }

export type CallToMeter = {
  requestId: string
  clientId: number
  /** As in `Principal.credential`: `api_key:7`. */
  credential: string
  method: string
  target: MeteredTarget
  /** Prices and budgets of this client, which win over the shared ones. */
  settings: Pick<ClientSettings, 'budgets' | 'prices'>
}

/** How the call ended, as the client was told. */
export type CallOutcome = {
  status: number
  bytesIn: number
  bytesOut: number
  /** Null: none reported or none to report. */
  tokens: TokenUsage | null
  /** The model that answered, when the answer names it. */
  model?: string | null
  /** Cost at the provider in millionths of EUR, when the caller knows it better than the price table (several models in one call). */
  providerCostMicros?: number
  flags: readonly UsageFlag[]
}

export type MeteredCall = {
  /**
   * Writes the call's one event, synchronously into the journal segment, and settles its reservation; to be called before
   * the last byte of the answer goes out. Never throws; what comes after the first time changes nothing.
   */
  settle(outcome: CallOutcome): void
  /** The call was refused before it reached anything that costs: no event, the reservation is given back. */
  cancel(): void
}

export type Meter = {
  /**
   * Secures room for the event and reserves the call's price in the client's budgets. Refusals: `journal_full`,
   * `budget_exceeded`, `budget_unavailable`, `model_not_priced`. Without a promise when nothing has to be waited for.
   */
  open(call: CallToMeter): MaybePromise<MeteredCall | AppError>
}
