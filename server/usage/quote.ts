// What a call may cost at most, before it is made, and what it did cost, once it is over.
import { AppError } from '@sallyport/contract'
import type { CallOutcome, CallToMeter, MeteredTarget, TokenUsage } from './metering-types.ts'
import { costOfTokens, type ModelPrice, type Prices } from './prices.ts'

export type Quote = {
  /** What is reserved for the call in the client's budgets, in millionths of EUR. */
  maxMicros: number
  settle(outcome: CallOutcome): Bill
}

export type Bill = {
  /** Null: by token. The price that was charged, so 0 for a failed call and on the client's own key. */
  unitPriceMicros: number | null
  costMicros: number
  /** What the provider takes for it; null: nobody knows. */
  providerCostMicros: number | null
  tokens: TokenUsage | null
  /** The reported usage was cut. */
  isBounded: boolean
}

type ProviderTarget = Extract<MeteredTarget, { kind: 'provider' }>

/** No answer of any model known has more, so a report of more than this is cut even where the model has no limits here. */
const tokensMax = 100_000_000

/** Refusal: `model_not_priced`. */
export function quote(prices: Prices, { target, settings }: Pick<CallToMeter, 'target' | 'settings'>) {
  if (target.kind === 'endpoint') return quoteCall(prices.ofEndpoint(target.endpoint, settings))
  if (target.pricedBy === 'call') return quoteProviderCall(prices.ofCall(target.provider), target)
  return quoteTokens(prices, target)
}

function quoteCall(priceMicros: number): Quote {
  return {
    maxMicros: priceMicros,
    settle(outcome) {
      const costMicros = isFailed(outcome) ? 0 : priceMicros
      const { tokens, isBounded } = bound(outcome.tokens, null)
      const providerCostMicros = toWhole(outcome.providerCostMicros)
      return { unitPriceMicros: costMicros, costMicros, providerCostMicros, tokens, isBounded }
    },
  }
}

function quoteProviderCall(priceMicros: number, { isOwnKey }: ProviderTarget): Quote {
  return {
    maxMicros: isOwnKey ? 0 : priceMicros,
    settle(outcome) {
      const atProvider = isFailed(outcome) ? 0 : priceMicros
      const costMicros = isOwnKey ? 0 : atProvider
      const { tokens, isBounded } = bound(outcome.tokens, null)
      const providerCostMicros = toWhole(outcome.providerCostMicros) ?? (isOwnKey ? atProvider : null)
      return { unitPriceMicros: costMicros, costMicros, providerCostMicros, tokens, isBounded }
    },
  }
}

function quoteTokens(prices: Prices, target: ProviderTarget): Quote | AppError {
  const { provider, model, isOwnKey, ceiling } = target
  const price = model === null ? null : prices.ofModel(provider, model)
  if (price === null && model !== null && !isOwnKey) return notPriced(provider, model)
  return {
    maxMicros: price === null || isOwnKey ? 0 : costOfTokens(price, mostTokens(price, ceiling)),
    settle(outcome) {
      const named = outcome.model ?? null
      // An own key's body is not read: only the answer tells the model. On a shared key the model that was asked for is charged.
      const known = price ?? (isOwnKey && named !== null ? prices.ofModel(provider, named) : null)
      const choices = isOwnKey ? null : Math.max(1, ceiling.choices)
      const { tokens, isBounded } = bound(outcome.tokens, known && { price: known, choices })
      const atProvider = costAtProvider(known, tokens, outcome)
      const costMicros = isOwnKey || isFailed(outcome) ? 0 : (atProvider ?? 0)
      return { unitPriceMicros: null, costMicros, providerCostMicros: atProvider, tokens, isBounded }
    },
  }
}

function notPriced(provider: string, model: string): AppError {
  const name = model.length > 100 ? `${model.slice(0, 100)}…` : model
  return new AppError('model_not_priced', {
    message: `The model "${name}" of ${provider} has no price here, so it cannot be called on the shared key. Ask the operator to price it.`,
  })
}

/** Null: nobody knows. A call without tokens that failed cost nothing. */
function costAtProvider(
  price: ModelPrice | null,
  tokens: TokenUsage | null,
  outcome: CallOutcome,
): number | null {
  const told = toWhole(outcome.providerCostMicros)
  if (told !== null) return told
  if (tokens === null) return isFailed(outcome) ? 0 : null
  return price && costOfTokens(price, tokens)
}

/** Each byte is a token at most, and no model takes more than its window or writes more than its maximum. */
function mostTokens(price: ModelPrice, { inputBytes, outputTokens, choices }: ProviderTarget['ceiling']) {
  const tokensIn = Math.min(inputBytes ?? price.contextWindow, price.contextWindow)
  const perChoice = Math.min(outputTokens ?? price.outputTokensMax, price.outputTokensMax)
  return { tokensIn, tokensOut: perChoice * Math.max(1, choices), tokensCached: 0 }
}

/** Cuts what an upstream reported to what is possible. `choices` null: unknown, so only the general limit holds. */
function bound(
  reported: TokenUsage | null,
  limits: { price: ModelPrice; choices: number | null } | null,
): { tokens: TokenUsage | null; isBounded: boolean } {
  if (reported === null) return { tokens: null, isBounded: false }
  const { price, choices } = limits ?? { price: null, choices: null }
  const outMax = price && choices !== null ? Math.min(price.outputTokensMax * choices, tokensMax) : tokensMax
  // What a model writes in several turns of one call is read again in the next turn.
  const inMax = price ? Math.min(price.contextWindow + price.outputTokensMax, tokensMax) : tokensMax
  const tokensIn = clamp(reported.tokensIn, inMax)
  const tokens = {
    tokensIn,
    tokensOut: clamp(reported.tokensOut, outMax),
    tokensCached: clamp(reported.tokensCached, tokensIn),
  }
  const isBounded =
    tokens.tokensIn !== reported.tokensIn ||
    tokens.tokensOut !== reported.tokensOut ||
    tokens.tokensCached !== reported.tokensCached
  return { tokens, isBounded }
}

/** Not a number counts as none. */
function clamp(value: number, max: number): number {
  return value > 0 ? Math.min(Math.floor(value), max) : 0
}

function toWhole(micros: number | undefined): number | null {
  return micros === undefined ? null : clamp(micros, Number.MAX_SAFE_INTEGER)
}

function isFailed({ status }: CallOutcome): boolean {
  return status >= 400
}
