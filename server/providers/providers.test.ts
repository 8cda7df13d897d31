// The catalogue, and whose key serves a call.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../config/config.ts'
import { testConfig } from '../http/test-support.ts'
import { Secret } from '../lib/secret.ts'
import { createProviders } from './providers.ts'

const client = { clientId: 7, maySpendShared: true }

/** `keys`: owner and provider → key, as the vault would open them. */
function start(
  keys: Record<string, string>,
  options: { env?: Record<string, string>; file?: Config['providers'] } = {},
) {
  const config = testConfig(options.env)
  const providers = createProviders({
    config: { ...config, providers: options.file ?? {} },
    vault: {
      openKey(clientId, provider) {
        const key = keys[`${clientId ?? 'shared'}:${provider}`]
        return key === undefined ? null : new Secret(key)
      },
      list: async () => [],
    },
  })
  const choose = async (name: string, user = client) => {
    const provider = providers.find(name)
    assert.ok(provider)
    const key = await providers.chooseKey(provider, user)
    return key && [key.secret.reveal(), key.isShared]
  }
  return { providers, choose }
}

test('a shared key that is set serves everybody, else each client’s own does', async () => {
  assert.deepEqual(await start({ 'shared:openai': 's', '7:openai': 'o' }).choose('openai'), ['s', true])
  assert.deepEqual(await start({ '7:openai': 'o' }).choose('openai'), ['o', false])
  assert.equal(await start({ '8:openai': 'of another' }).choose('openai'), null)
})

test('the key that the admin set wins over the one of the environment', async () => {
  const env = { OPENAI_API_KEY: 'from-environment' }
  assert.deepEqual(await start({}, { env }).choose('openai'), ['from-environment', true])
  assert.deepEqual(await start({ 'shared:openai': 's' }, { env }).choose('openai'), ['s', true])
})

test('a key source of the configuration never falls back to another one', async () => {
  const keys = { 'shared:exa': 's', '7:exa': 'o' }
  const file = (key_source: 'own' | 'shared' | 'own_else_shared') => ({ file: { exa: { key_source } } })
  assert.deepEqual(await start(keys, file('own')).choose('exa'), ['o', false])
  assert.deepEqual(await start(keys, file('shared')).choose('exa'), ['s', true])
  assert.deepEqual(await start(keys, file('own_else_shared')).choose('exa'), ['o', false])
  assert.equal(await start({ 'shared:exa': 's' }, file('own')).choose('exa'), null)
  assert.equal(await start({ '7:exa': 'o' }, file('shared')).choose('exa'), null)
  assert.deepEqual(await start({ 'shared:exa': 's' }, file('own_else_shared')).choose('exa'), ['s', true])
})

test('who may not spend the shared key uses the own one or none, whatever the source', async () => {
  const user = { clientId: 7, maySpendShared: false }
  for (const key_source of ['shared', 'own_else_shared', 'own'] as const) {
    const options = { file: { exa: { key_source } } }
    assert.deepEqual(await start({ 'shared:exa': 's', '7:exa': 'o' }, options).choose('exa', user), [
      'o',
      false,
    ])
    assert.equal(await start({ 'shared:exa': 's' }, options).choose('exa', user), null)
  }
})

test('keys that are known are chosen without a promise', () => {
  const { providers } = start({ 'shared:openai': 's' })
  const provider = providers.find('openai')
  assert.ok(provider)
  assert.ok(!(providers.chooseKey(provider, client) instanceof Promise))
})

test('a few lines describe another provider, and change a built-in one', async () => {
  const file: Config['providers'] = {
    'my-llm': { base_url: 'https://llm.example/v2', key_slot: { query: 'token' } },
    openai: { key_source: 'own', stateless_routes: [] },
  }
  const { providers } = start({}, { file, env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/x' } })
  const mine = providers.find('my-llm')
  assert.deepEqual(mine?.keySlot, { kind: 'query', name: 'token' })
  assert.equal(mine?.baseUrl, 'https://llm.example/v2')
  assert.equal(mine?.findStatelessRoute('GET', '/v1/models'), null)
  const openai = providers.find('openai')
  assert.equal(openai?.baseUrl, 'http://127.0.0.1:9/x')
  assert.equal(openai?.findStatelessRoute('POST', '/v1/responses'), null)
  assert.equal(providers.find('nobody'), null)
  assert.equal(providers.find('constructor'), null)
})

test('of a shared key the admin sees where it comes from and its end, never the key', async () => {
  const { providers } = start({}, { env: { OPENAI_API_KEY: 'sk-operator-key-of-openai-9876' } })
  const shown = await providers.describe()
  const openai = shown.find(({ name }) => name === 'openai')
  assert.deepEqual(openai?.shared_key, { last4: '9876', updated_at: null, source: 'environment' })
  assert.equal(openai?.key_source, 'shared')
  assert.equal(shown.find(({ name }) => name === 'exa')?.key_source, 'own')
  assert.doesNotMatch(JSON.stringify(shown), /sk-operator/)
})

test('models are read from path and body', () => {
  const provider = start({}).providers.find('gemini')
  assert.deepEqual(provider?.findNamedModels('/v1beta/models/gemini-x:generateContent', null), ['gemini-x'])
  assert.deepEqual(provider?.findNamedModels('/v1beta/%6dodels/gemini-x:y', { model: 'models/b' }), [
    'gemini-x',
    'b',
  ])
  assert.deepEqual(provider?.findNamedModels('/v1/chat', { model: 'a', models: ['b', 1, 'c'] }), [
    'a',
    'b',
    'c',
  ])
  assert.deepEqual(provider?.findNamedModels('/v1/chat', { model: 3 }), [])
})
