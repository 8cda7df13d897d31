// What a call costs: per call for endpoints and some providers, per million tokens for models; whole millionths of EUR.
import type { ClientSettings, ModelPriceItem, PricesAnswer } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import { divideRounding, parseDecimal } from '../lib/decimal.ts'
import { findBaseModel } from './base-model.ts'
import { type DefaultPrice, defaultPrices, defaultPricesDate } from './default-prices.ts'
import type { TokenUsage } from './metering-types.ts'

/** Millionths of EUR per million tokens. */
export type Rates = { inputMicros: number; cachedInputMicros: number; outputMicros: number }

export type ModelPrice = Rates & {
  long: (Rates & { aboveTokens: number }) | null
  contextWindow: number
  outputTokensMax: number
}

export type Prices = {
  /** Of one call; 0 for an endpoint without a price. A price of the client's own wins. */
  ofEndpoint(endpoint: string, settings: Pick<ClientSettings, 'prices'>): number
  /** Of one call to a provider that is priced by call. */
  ofCall(provider: string): number
  /** Null: the model has no price. */
  ofModel(provider: string, model: string): ModelPrice | null
  describe(): PricesAnswer
}

const endpointDefaults: Readonly<Record<string, string>> = {
  '/api/video/buffer': '0.01',
  '/api/video/analyze': '0.05',
  '/api/alert': '0.10',
}
/** Names come from callers, so what is remembered of them is bounded. */
const namesMax = 1_000

type Row = ModelPrice & { source: ModelPriceItem['source'] }

export function createPrices({ prices }: Pick<Config, 'prices'>): Prices {
  const endpoints = toMicrosMap({ ...endpointDefaults, ...prices.endpoints })
  const calls = toMicrosMap(prices.calls)
  const rows = buildRows(prices)
  const resolved = new BoundedMap<string, ModelPrice | null>(namesMax)

  function resolve(provider: string, name: string): ModelPrice | null {
    const table = rows.get(provider)
    const model = table ? findBaseModel(name, (candidate) => table.has(candidate)) : null
    return (model !== null && table?.get(model)) || null
  }

  return {
    ofEndpoint: (endpoint, settings) => findOwn(settings.prices, endpoint) ?? endpoints.get(endpoint) ?? 0,
    ofCall: (provider) => calls.get(provider) ?? 0,
    ofModel(provider, model) {
      const name = `${provider} ${model}`
      const known = resolved.peek(name)
      if (known !== undefined) return known
      const found = resolve(provider, model)
      if (name.length <= 200) resolved.set(name, found)
      return found
    },
    describe: () => ({
      currency: 'EUR',
      currency_factor: prices.currency_factor,
      default_prices_date: defaultPricesDate,
      endpoints: [...endpoints].map(([endpoint, price_micros]) => ({ endpoint, price_micros })),
      calls: [...calls].map(([provider, price_micros]) => ({ provider, price_micros })),
      models: [...rows].flatMap(([provider, table]) =>
        [...table].map(([model, row]) => toItem(provider, model, row)),
      ),
    }),
  }
}

/**
 * What the tokens cost, divided once and rounded to the nearest millionth, halves up. Cached input tokens are part of
 * `tokensIn` and have their own rate.
 */
export function costOfTokens(price: ModelPrice, { tokensIn, tokensOut, tokensCached }: TokenUsage): number {
  const rates = price.long && tokensIn > price.long.aboveTokens ? price.long : price
  const fresh = tokensIn - tokensCached
  const total =
    fresh * rates.inputMicros + tokensCached * rates.cachedInputMicros + tokensOut * rates.outputMicros
  if (total <= Number.MAX_SAFE_INTEGER - perMillion) {
    const raised = total + perMillion / 2
    return (raised - (raised % perMillion)) / perMillion
  }
  const exact =
    BigInt(fresh) * BigInt(rates.inputMicros) +
    BigInt(tokensCached) * BigInt(rates.cachedInputMicros) +
    BigInt(tokensOut) * BigInt(rates.outputMicros)
  return Number(divideRounding(exact, BigInt(perMillion)))
}

const perMillion = 1_000_000

function findOwn(own: ClientSettings['prices'], endpoint: string): number | undefined {
  return own && Object.hasOwn(own, endpoint) ? own[endpoint] : undefined
}

function buildRows(prices: Config['prices']): Map<string, Map<string, Row>> {
  const rows = new Map<string, Map<string, Row>>()
  const factor = toUnits(prices.currency_factor)
  const put = (provider: string, model: string, price: DefaultPrice, source: Row['source']) => {
    const table = rows.get(provider) ?? new Map<string, Row>()
    rows.set(provider, table.set(model, { ...toModelPrice(price, factor), source }))
  }
  for (const [provider, table] of Object.entries(defaultPrices)) {
    for (const [model, price] of Object.entries(table)) put(provider, model, price, 'default')
  }
  for (const [provider, table] of Object.entries(prices.models)) {
    for (const [model, entry] of Object.entries(table)) put(provider, model, fromFile(entry), 'config')
  }
  return rows
}

type FileEntry = NonNullable<Config['prices']['models'][string]>[string]
type FileRates = Pick<FileEntry, 'input' | 'cached_input' | 'output'>

function fromFile(entry: FileEntry): DefaultPrice {
  const { long, context_window: contextWindow, max_output: outputTokensMax } = entry
  const row = { ...toNames(entry), contextWindow, outputTokensMax }
  return long ? { ...row, long: { aboveTokens: long.above_tokens, ...toNames(long) } } : row
}

function toNames({ input, cached_input: cachedInput, output }: FileRates) {
  return { input, output, ...(cachedInput === undefined ? {} : { cachedInput }) }
}

function toModelPrice(price: DefaultPrice, factor: bigint): ModelPrice {
  const { long, contextWindow, outputTokensMax } = price
  return {
    ...toRates(price, factor),
    long: long ? { aboveTokens: long.aboveTokens, ...toRates(long, factor) } : null,
    contextWindow,
    outputTokensMax,
  }
}

/** From USD to EUR, each rate rounded to the nearest millionth once, here. */
function toRates(usd: Pick<DefaultPrice, 'input' | 'cachedInput' | 'output'>, factor: bigint): Rates {
  const convert = (text: string) => Number(divideRounding(toUnits(text) * factor, BigInt(perMillion)))
  return {
    inputMicros: convert(usd.input),
    cachedInputMicros: convert(usd.cachedInput ?? usd.input),
    outputMicros: convert(usd.output),
  }
}

function toMicrosMap(texts: Readonly<Record<string, string | undefined>>): Map<string, number> {
  return new Map(Object.entries(texts).map(([name, text]) => [name, Number(toUnits(text ?? '0'))]))
}

/** The configuration was checked when it was loaded. */
function toUnits(text: string): bigint {
  const units = parseDecimal(text, 6)
  if (units === null) throw new RangeError(`"${text}" is not a decimal number`)
  return units
}

function toItem(provider: string, model: string, row: Row): ModelPriceItem {
  const { long, contextWindow, outputTokensMax, source } = row
  return {
    ...{ provider, model, ...toItemRates(row), source },
    long: long ? { above_tokens: long.aboveTokens, ...toItemRates(long) } : null,
    context_window: contextWindow,
    max_output: outputTokensMax,
  }
}

function toItemRates({ inputMicros, cachedInputMicros, outputMicros }: Rates) {
  return { input_micros: inputMicros, cached_input_micros: cachedInputMicros, output_micros: outputMicros }
}
