// Prices of well-known models as their makers published them; the configuration adds to them and replaces them.

/** The day on which these prices were read, from the pages named below. */
export const defaultPricesDate = '2026-11-20'

/**
 * USD per million tokens, as text so that nothing is rounded. `long` counts for the whole call when its input is longer
 * than `aboveTokens`. A row without `cachedInput` has no discount for cached input.
 */
export type DefaultPrice = {
  input: string
  cachedInput?: string
  output: string
  long?: { aboveTokens: number; input: string; cachedInput?: string; output: string }
  contextWindow: number
  outputTokensMax: number
}

type Rates = readonly [input: string, cachedInput: string | null, output: string]
type Limits = readonly [contextWindow: number, outputTokensMax: number]

function price(rates: Rates, limits: Limits, long?: { above: number; rates: Rates }): DefaultPrice {
  const [contextWindow, outputTokensMax] = limits
  const row: DefaultPrice = { ...toRates(rates), contextWindow, outputTokensMax }
  return long ? { ...row, long: { aboveTokens: long.above, ...toRates(long.rates) } } : row
}

function toRates([input, cachedInput, output]: Rates) {
  return { input, output, ...(cachedInput === null ? {} : { cachedInput }) }
}

const k = 1_000
const above272k = (...rates: Rates) => ({ above: 272 * k, rates })
const above200k = (...rates: Rates) => ({ above: 200 * k, rates })

const gpt6: Limits = [1_050_000, 128 * k]
const gpt5: Limits = [400 * k, 128 * k]
const gpt41: Limits = [1_047_576, 32_768]
const gpt4o: Limits = [128 * k, 16_384]
const oSeries: Limits = [200 * k, 100 * k]
const embeddings: Limits = [300 * k, 0]

/** https://developers.openai.com/api/docs/pricing and the pages of the models. */
const openai: Readonly<Record<string, DefaultPrice>> = {
  'gpt-6.2-sol': price(['2', '0.10', '10'], gpt6, above272k('4', '0.20', '15')),
  'gpt-6.1-sol': price(['2', '0.10', '10'], gpt6, above272k('4', '0.20', '15')),
  'gpt-6-sol': price(['2', '0.20', '10'], gpt6, above272k('4', '0.40', '15')),
  'gpt-6-luna': price(['0.10', '0.01', '0.50'], gpt6, above272k('0.20', '0.02', '0.75')),
  'gpt-5.5': price(['5', '0.50', '30'], gpt6, above272k('10', '1', '45')),
  'gpt-5.5-pro': price(['30', null, '180'], gpt6, above272k('60', null, '270')),
  'gpt-5.4': price(['2.50', '0.25', '15'], gpt6, above272k('5', '0.50', '22.50')),
  'gpt-5.4-mini': price(['0.75', '0.075', '4.50'], gpt5),
  'gpt-5.4-nano': price(['0.20', '0.02', '1.25'], gpt5),
  'gpt-5.2': price(['1.75', '0.175', '14'], gpt5),
  'gpt-5.2-pro': price(['21', null, '168'], gpt5),
  'gpt-5.1': price(['1.25', '0.125', '10'], gpt5),
  'gpt-5': price(['1.25', '0.125', '10'], gpt5),
  'gpt-5-mini': price(['0.25', '0.025', '2'], gpt5),
  'gpt-5-nano': price(['0.05', '0.005', '0.40'], gpt5),
  'gpt-5-pro': price(['15', null, '120'], [400 * k, 272 * k]),
  'gpt-5-codex': price(['1.25', '0.125', '10'], gpt5),
  'gpt-5.1-codex': price(['1.25', '0.125', '10'], gpt5),
  'gpt-5.1-codex-mini': price(['0.25', '0.025', '2'], gpt5),
  'gpt-4.1': price(['2', '0.50', '8'], gpt41),
  'gpt-4.1-mini': price(['0.40', '0.10', '1.60'], gpt41),
  'gpt-4.1-nano': price(['0.10', '0.025', '0.40'], gpt41),
  'gpt-4o': price(['2.50', '1.25', '10'], gpt4o),
  'gpt-4o-2024-05-13': price(['5', null, '15'], [128 * k, 4_096]),
  'gpt-4o-mini': price(['0.15', '0.075', '0.60'], gpt4o),
  o1: price(['15', '7.50', '60'], oSeries),
  'o1-pro': price(['150', null, '600'], oSeries),
  o3: price(['2', '0.50', '8'], oSeries),
  'o3-pro': price(['20', null, '80'], oSeries),
  'o3-mini': price(['1.10', '0.55', '4.40'], oSeries),
  'o4-mini': price(['1.10', '0.275', '4.40'], oSeries),
  'gpt-4-turbo': price(['10', null, '30'], [128 * k, 4_096]),
  'gpt-4-turbo-preview': price(['10', null, '30'], [128 * k, 4_096]),
  'gpt-4-1106-preview': price(['10', null, '30'], [128 * k, 4_096]),
  'gpt-4-0125-preview': price(['10', null, '30'], [128 * k, 4_096]),
  'gpt-4': price(['30', null, '60'], [8_192, 8_192]),
  'gpt-3.5-turbo': price(['0.50', null, '1.50'], [16_385, 4_096]),
  'gpt-3.5-turbo-1106': price(['1', null, '2'], [16_385, 4_096]),
  'text-embedding-3-small': price(['0.02', null, '0'], embeddings),
  'text-embedding-3-large': price(['0.13', null, '0'], embeddings),
  'text-embedding-ada-002': price(['0.10', null, '0'], embeddings),
}

const claude5: Limits = [1_000_000, 128 * k]
const claude4: Limits = [200 * k, 64 * k]

/** https://platform.claude.com/docs/en/about-claude/pricing; tokens written to a cache are charged as input here. */
const anthropic: Readonly<Record<string, DefaultPrice>> = {
  'claude-fable-5-1': price(['10', '0.25', '50'], claude5),
  'claude-fable-5': price(['10', '1', '50'], claude5),
  'claude-opus-5-5': price(['4', '0.20', '20'], claude5),
  'claude-opus-5': price(['5', '0.50', '25'], claude5),
  'claude-opus-4-8': price(['5', '0.50', '25'], claude5),
  'claude-opus-4-7': price(['5', '0.50', '25'], claude5),
  'claude-opus-4-6': price(['5', '0.50', '25'], claude5),
  'claude-opus-4-5': price(['5', '0.50', '25'], claude4),
  'claude-opus-4-1': price(['15', '1.50', '75'], [200 * k, 32 * k]),
  'claude-opus-4': price(['15', '1.50', '75'], [200 * k, 32 * k]),
  'claude-sonnet-5-5': price(['2', '0.10', '10'], claude5),
  'claude-sonnet-5': price(['2', '0.20', '10'], claude5),
  'claude-sonnet-4-6': price(['3', '0.30', '15'], claude5),
  'claude-sonnet-4-5': price(['3', '0.30', '15'], claude5, above200k('6', '0.60', '22.50')),
  'claude-sonnet-4': price(['3', '0.30', '15'], claude5, above200k('6', '0.60', '22.50')),
  'claude-3-7-sonnet': price(['3', '0.30', '15'], claude5),
  'claude-3-5-sonnet': price(['3', '0.30', '15'], [200 * k, 8_192]),
  'claude-haiku-5-5': price(['0.10', '0.01', '0.50'], claude5, {
    above: 100 * k,
    rates: ['0.50', '0.05', '2.50'],
  }),
  'claude-haiku-4-5': price(['1', '0.10', '5'], claude4),
  'claude-3-5-haiku': price(['0.80', '0.08', '4'], [200 * k, 8_192]),
  'claude-3-opus': price(['15', '1.50', '75'], [200 * k, 4_096]),
  'claude-3-haiku': price(['0.25', '0.03', '1.25'], [200 * k, 4_096]),
}

const gemini3: Limits = [1_048_576, 65_536]
const gemini2: Limits = [1_048_576, 8_192]

/** https://ai.google.dev/gemini-api/docs/pricing; text, image and video input (audio costs more with some models). */
const gemini: Readonly<Record<string, DefaultPrice>> = {
  // The price after its introduction, which ends with 2026.
  'gemini-3.8-flash': price(['1.50', '0.15', '7.50'], gemini3),
  'gemini-3.5-flash': price(['1.50', '0.15', '9'], gemini3),
  'gemini-3.5-flash-lite': price(['0.30', '0.03', '2.50'], gemini3),
  'gemini-3.1-pro': price(['2', '0.20', '12'], gemini3, above200k('4', '0.40', '18')),
  'gemini-3-pro': price(['2', '0.20', '12'], gemini3, above200k('4', '0.40', '18')),
  'gemini-3-flash': price(['0.50', '0.05', '3'], gemini3),
  'gemini-2.5-pro': price(['1.25', '0.125', '10'], gemini3, above200k('2.50', '0.25', '15')),
  'gemini-2.5-flash': price(['0.30', '0.03', '2.50'], gemini3),
  'gemini-2.5-flash-lite': price(['0.10', '0.01', '0.40'], gemini3),
  'gemini-2.0-flash': price(['0.10', '0.025', '0.40'], gemini2),
  'gemini-2.0-flash-lite': price(['0.075', null, '0.30'], gemini2),
  'gemini-embedding-001': price(['0.15', null, '0'], embeddings),
  'gemini-embedding-2': price(['0.20', null, '0'], embeddings),
}

export const defaultPrices: Readonly<Record<string, Readonly<Record<string, DefaultPrice>>>> = {
  openai,
  anthropic,
  gemini,
}
