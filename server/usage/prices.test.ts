// Prices to the millionth: the same as exact arithmetic gives, for endpoints, models, dated names and own prices.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { ConfigError, loadConfig } from '../config/config.ts'
import { findBaseModel } from './base-model.ts'
import { costOfTokens, createPrices, type ModelPrice } from './prices.ts'

function configOf(t: TestContext, yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-prices-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'sallyport.yaml'), yaml)
  return loadConfig({ env: {}, workingDir: folder, createSecrets: false })
}
const pricesOf = (t: TestContext, yaml: string) => createPrices(configOf(t, yaml))

const tokens = (tokensIn: number, tokensOut: number, tokensCached = 0) => ({
  tokensIn,
  tokensOut,
  tokensCached,
})

describe('the table', () => {
  test('endpoints cost what the table says, or what the client’s own says', (t) => {
    const prices = pricesOf(t, 'prices: {endpoints: {/api/alert: "0.123456"}, calls: {exa: "0.005"}}')
    assert.equal(prices.ofEndpoint('/api/video/buffer', {}), 10_000)
    assert.equal(prices.ofEndpoint('/api/video/analyze', {}), 50_000)
    assert.equal(prices.ofEndpoint('/api/alert', {}), 123_456)
    assert.equal(prices.ofEndpoint('/api/alert', { prices: { '/api/alert': 0 } }), 0)
    assert.equal(prices.ofEndpoint('toString', { prices: {} }), 0)
    assert.deepEqual([prices.ofCall('exa'), prices.ofCall('vapi')], [5_000, 0])
  })

  test('a model of the file counts in EUR by the factor, and stands before the table', (t) => {
    const yaml = `prices:
  currency_factor: "0.92"
  models:
    openai: {gpt-4o: {input: "3", output: "7.000001", context_window: 1000, max_output: 10}}
    own-llm: {small: {input: "0.000001", cached_input: "0", output: "1", context_window: 1000, max_output: 10}}`
    const prices = pricesOf(t, yaml)
    const model = prices.ofModel('openai', 'gpt-4o-2024-08-06')
    assert.deepEqual(
      [model?.inputMicros, model?.cachedInputMicros, model?.outputMicros],
      [2_760_000, 2_760_000, 6_440_001],
    )
    assert.equal(prices.ofModel('own-llm', 'small')?.inputMicros, 1)
    assert.equal(prices.ofModel('own-llm', 'large'), null)
    assert.equal(prices.ofModel('anthropic', 'claude-haiku-4-5')?.inputMicros, 920_000)
  })

  test('each row of the table is sound', (t) => {
    for (const row of pricesOf(t, '').describe().models) {
      assert.ok(row.cached_input_micros <= row.input_micros, row.model)
      assert.ok(row.input_micros > 0 && row.context_window > row.max_output / 2, row.model)
      assert.ok(!row.long || row.long.input_micros > row.input_micros, row.model)
    }
  })
})

test('dated, numbered and preview names mean their base model, other models mean nothing', (t) => {
  const prices = pricesOf(t, '')
  const known: [string, string, string | null][] = [
    ['openai', 'gpt-4o-2024-08-06', 'gpt-4o'],
    ['openai', 'gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
    ['openai', 'gpt-4-0613', 'gpt-4'],
    ['openai', 'gpt-4-1106-preview', 'gpt-4-1106-preview'],
    ['openai', 'gpt-4o-audio-preview-2024-12-17', null],
    ['openai', 'gpt-4o-realtime-preview', null],
    ['openai', 'ft:gpt-4o:acme', null],
    ['openai', 'gpt-4', 'gpt-4'],
    ['openai', '', null],
    ['anthropic', 'claude-sonnet-4-20250514', 'claude-sonnet-4'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-3-5-haiku-latest', 'claude-3-5-haiku'],
    ['gemini', 'models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['gemini', 'gemini-2.0-flash-001', 'gemini-2.0-flash'],
    ['gemini', 'gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash'],
    ['gemini', 'gemini-2.5-flash-lite-preview-06-17', 'gemini-2.5-flash-lite'],
    ['gemini', 'gemini-2.5-flash-image-preview', null],
    ['gemini', 'gemini-2.5-flash-preview-tts', null],
    ['exa', 'gpt-4o', null],
  ]
  const { models } = prices.describe()
  for (const [provider, name, base] of known) {
    const has = (model: string) => models.some((row) => row.provider === provider && row.model === model)
    assert.equal(findBaseModel(name, has), base, name)
    assert.equal(prices.ofModel(provider, name), base && prices.ofModel(provider, base), name)
  }
})

describe('the cost of tokens', () => {
  const gpt4o: ModelPrice = {
    ...{ inputMicros: 2_500_000, cachedInputMicros: 1_250_000, outputMicros: 10_000_000 },
    ...{ long: null, contextWindow: 128_000, outputTokensMax: 16_384 },
  }
  const tiered: ModelPrice = {
    ...gpt4o,
    long: {
      aboveTokens: 100,
      inputMicros: 5_000_000,
      cachedInputMicros: 2_500_000,
      outputMicros: 15_000_000,
    },
  }

  const table: [ModelPrice, ReturnType<typeof tokens>, number][] = [
    [gpt4o, tokens(0, 0), 0],
    [gpt4o, tokens(1_000_000, 0), 2_500_000],
    [gpt4o, tokens(1, 0), 3],
    [gpt4o, tokens(1, 0, 1), 1],
    [gpt4o, tokens(1_234, 567, 1_000), 585 + 1_250 + 5_670],
    [tiered, tokens(100, 1), 250 + 10],
    [tiered, tokens(101, 1, 1), 500 + 3 + 15],
  ]
  test('is rounded to the nearest millionth once, halves up', () => {
    for (const [price, used, micros] of table) assert.equal(costOfTokens(price, used), micros)
  })

  test('is what exact arithmetic gives, however large', () => {
    const rate = fc.integer({ min: 0, max: 1_000_000_000_000 })
    const count = fc.integer({ min: 0, max: 100_000_000 })
    fc.assert(
      fc.property(rate, rate, rate, count, count, fc.double({ min: 0, max: 1, noNaN: true }), (...drawn) => {
        const [inputMicros, cachedInputMicros, outputMicros, tokensIn, tokensOut, share] = drawn
        const tokensCached = Math.floor(tokensIn * share)
        const price = { ...gpt4o, inputMicros, cachedInputMicros, outputMicros }
        const total =
          BigInt(tokensIn - tokensCached) * BigInt(inputMicros) +
          BigInt(tokensCached) * BigInt(cachedInputMicros) +
          BigInt(tokensOut) * BigInt(outputMicros)
        const rounded = total / 1_000_000n + (total % 1_000_000n >= 500_000n ? 1n : 0n)
        assert.equal(BigInt(costOfTokens(price, { tokensIn, tokensOut, tokensCached })), rounded)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('wrong prices end the start', () => {
  const wrong: [string, RegExp][] = [
    ['prices: {endpoints: {/api/alert: "-0.01"}}', /prices\.endpoints\.\/api\/alert.*decimal/],
    ['prices: {endpoints: {/api/alert: 0.01}}', /in quotes/],
    ['prices: {endpoints: {/api/alert: "1e3"}}', /decimal/],
    ['prices: {endpoints: {/api/alert: "0.0000001"}}', /decimal places/],
    ['prices: {endpoints: {/api/alert: "1000000.01"}}', /at most 1000000/],
    ['prices: {endpoints: {/api/other: "1"}}', /api\/other/],
    ['prices: {currency_factor: "0"}', /currency_factor.*must not be 0/],
    ['prices: {calls: {exa: "NaN"}}', /prices\.calls\.exa/],
    [
      'prices: {models: {openai: {x: {input: "1", output: "-2", context_window: 1, max_output: 1}}}}',
      /prices\.models\.openai\.x\.output/,
    ],
    ['prices: {models: {openai: {x: {input: "1", output: "2", max_output: 1}}}}', /context_window/],
  ]
  for (const [yaml, told] of wrong) {
    test(yaml, (t) => {
      assert.throws(
        () => configOf(t, yaml),
        (error) => error instanceof ConfigError && told.test(error.message),
      )
    })
  }
})
