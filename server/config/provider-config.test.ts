// Providers in environment and file: what is wrong is named, and every provider knows its own variables.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, ConfigError, describeConfig, loadConfig } from './config.ts'

function load(t: TestContext, yaml: string, env: Record<string, string> = {}): Config {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'sallyport.yaml'), yaml)
  return loadConfig({ env, workingDir: folder, createSecrets: false })
}

function problemOf(t: TestContext, yaml: string, env: Record<string, string> = {}): string {
  try {
    load(t, yaml, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.join('\n')
  }
  return ''
}

test('built-in providers and those of the file read key and address from the environment', (t) => {
  const yaml = `
providers:
  my-llm: { base_url: 'https://llm.example/v2/', key_slot: { header: X-Key } }`
  const { providerEnvironment, providers } = load(t, yaml, {
    OPENAI_API_KEY: 'sk-of-the-operator',
    GEMINI_BASE_URL: 'http://127.0.0.1:9/prefix/',
    MY_LLM_API_KEY: 'key-of-my-llm',
  })
  assert.equal(providerEnvironment.openai?.apiKey?.reveal(), 'sk-of-the-operator')
  assert.equal(providerEnvironment.gemini?.baseUrl, 'http://127.0.0.1:9/prefix')
  assert.equal(providerEnvironment['my-llm']?.apiKey?.reveal(), 'key-of-my-llm')
  assert.deepEqual(providers['my-llm'], {
    base_url: 'https://llm.example/v2',
    key_slot: { header: 'x-key', prefix: '' },
  })
})

test('a shared key is never shown', (t) => {
  const config = load(t, '', { OPENAI_API_KEY: 'sk-of-the-operator' })
  assert.doesNotMatch(JSON.stringify([config, describeConfig(config)]), /sk-of-the-operator/)
})

const wrong: readonly [string, string, RegExp][] = [
  ['a provider of one’s own without an address', 'providers: { x: {} }', /providers\.x\.base_url: is needed/],
  ['without a slot', "providers: { x: { base_url: 'http://x' } }", /providers\.x\.key_slot: is needed/],
  ['an unknown field', 'providers: { openai: { url: a } }', /providers\.openai: .*url/],
  [
    'an address of another scheme',
    "providers: { openai: { base_url: 'file:///etc' } }",
    /http:\/\/ or https/,
  ],
  [
    'an address with a password',
    "providers: { openai: { base_url: 'http://u:p@x' } }",
    /no user and no pass/,
  ],
  ['a slot that frames the message', 'providers: { openai: { key_slot: { header: Host } } }', /key_slot/],
  [
    'a route that is no template',
    'providers: { exa: { stateless_routes: [{ method: POST, path: /a/../b* }] } }',
    /stateless_routes\.0\.path: must be a path/,
  ],
  [
    'a price by token without a way to read tokens',
    "providers: { x: { base_url: 'http://x', key_slot: { query: k }, priced_by: token } }",
    /providers\.x\.usage: is needed/,
  ],
  ['a name in capitals', "providers: { Xy: { base_url: 'http://x' } }", /lower-case/],
]
for (const [what, yaml, problem] of wrong) {
  test(`${what} is refused by name`, (t) => assert.match(problemOf(t, yaml), problem))
}

test('a malformed key or address in the environment is named once, without its value', (t) => {
  const problem = problemOf(t, '', { EXA_API_KEY: 'has a space', EXA_BASE_URL: 'exa' })
  assert.equal(problem.match(/EXA_API_KEY: must be 8 to/g)?.length, 1)
  assert.equal(problem.match(/EXA_BASE_URL: must be an http/g)?.length, 1)
  assert.doesNotMatch(problem, /has a space/)
})
