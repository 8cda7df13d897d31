// Users' provider keys over HTTP: each provider is really asked, nothing is half saved, and no key is ever seen again.
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { openScope } from '../../test/support/scope.ts'
import { type ScriptedProviders, startScriptedProviders } from '../onboarding/test-support.ts'
import { openUserTest, type UserTest } from './test-support.ts'

const path = '/api/onboarding/api-keys'
const providers = ['gemini', 'exa', 'copilotkit'] as const
type Provider = (typeof providers)[number]

const askedAt: Record<Provider, string> = {
  gemini: '/v1beta/models?pageSize=1',
  exa: '/search',
  copilotkit: '/copilotkit/v1',
}

/** What a provider answers, and what the user is told of it. */
type Outcome = { name: string; answer: (response: ServerResponse) => void; valid?: boolean; code?: string }

const outcomes: readonly Outcome[] = [
  { name: '200', answer: (response) => reply(response, 200, { data: {} }), valid: true },
  { name: '401', answer: (response) => reply(response, 401, { error: 'no' }), valid: false },
  { name: '403', answer: (response) => reply(response, 403, {}), valid: false },
  { name: '429', answer: (response) => reply(response, 429, {}), valid: true },
  {
    name: '400 that names the key',
    answer: (response) => reply(response, 400, { error: { details: [{ reason: 'API_KEY_INVALID' }] } }),
    valid: false,
  },
  {
    name: '200 with an error in it',
    answer: (response) =>
      reply(response, 200, { errors: [{ extensions: { code: 'AUTHENTICATION_ERROR' } }] }),
    valid: false,
  },
  { name: '500', answer: (response) => reply(response, 500, {}), code: 'upstream_protocol_error' },
  {
    name: 'a redirect',
    answer: (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    code: 'upstream_protocol_error',
  },
  { name: 'a cut', answer: (response) => response.destroy(), code: 'upstream_unreachable' },
]

const scope = openScope({ after })
let gateway: UserTest
let upstream: ScriptedProviders

before(async () => {
  const owner = { after: scope.defer }
  upstream = await startScriptedProviders(owner)
  gateway = await openUserTest(owner, { DEPLOY_ENV: 'test', ...upstream.environment })
})
beforeEach(() => upstream.calls.splice(0))

test('each provider is asked at its own endpoint with the user’s key, and each of its answers has a clear outcome', async () => {
  for (const provider of providers) {
    const key = `own-key-of-${provider}-0123456789`
    const token = await gateway.sign(`user-of-${provider}`)
    const ask = (body?: object) =>
      gateway.call('POST', `${path}/${provider}/validate`, { token, ...(body ? { body } : {}) })
    const nothing = await ask()
    assert.deepEqual([nothing.status, nothing.error?.code], [400, 'provider_key_missing'])
    const saved = await gateway.call('POST', path, { token, body: { provider, api_key: key } })
    assert.deepEqual(saved.json, { message: `Saved: ${provider}.`, providers: [provider], status: 'saved' })
    for (const { name, answer, valid, code } of outcomes) {
      upstream.script(askedAt[provider], answer)
      const told = await ask()
      const place = `${provider}, ${name}: ${told.text}`
      assert.equal(told.status, code === undefined ? 200 : 502, place)
      assert.deepEqual([told.json.valid, told.error?.code], [valid, code], place)
      assert.match(String(told.json.message ?? told.error?.message), new RegExp(`\\b${provider}\\b`), place)
    }
    for (const begin of [false, true]) {
      upstream.script(askedAt[provider], (response) => void (begin && response.writeHead(200).write('{')))
      const before = upstream.calls.length
      const hanging = ask()
      await eventually('the question', () => upstream.calls.length > before)
      gateway.clock.advance(15_000)
      const told = await hanging
      assert.deepEqual([told.status, told.error?.code], [504, 'upstream_timeout'], provider)
    }
    upstream.script(askedAt[provider], null)
    const other = `another-key-of-${provider}-9876543210`
    assert.equal((await ask({ api_key: other })).json.valid, true)
    assert.equal(upstream.calls.at(-1)?.key, other, 'the key that was sent, not the saved one')
    const asked = upstream.calls.filter((call) => call.key === key).map((call) => call.path)
    assert.deepEqual(asked, Array(outcomes.length + 2).fill(askedAt[provider]))
    const listed = await gateway.call('GET', path, { token })
    assert.deepEqual(listed.json, { api_keys: { [provider]: '****6789' } })
  }
  await assertUnseen(
    gateway,
    providers.flatMap((provider) => [`own-key-of-${provider}`, `another-key-of-${provider}`]),
  )
})

test('whoever tries out keys is stopped after twenty in a minute, alone', async () => {
  const { call, sign, clock } = gateway
  const [ada, bob] = [await sign('ada'), await sign('bob')]
  const ask = (token: string) =>
    call('POST', `${path}/gemini/validate`, { token, body: { api_key: 'found-somewhere-01' } })
  for (let count = 0; count < 20; count++) assert.equal((await ask(ada)).status, 200)
  const refused = await ask(ada)
  assert.deepEqual([refused.status, refused.error?.code], [429, 'rate_limited'])
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await ask(bob)).status, 200)
  assert.equal(upstream.calls.length, 21)
  clock.advance(60_000)
  assert.equal((await ask(ada)).status, 200)
})

const good = 'AIza-good-key-0123456789'
/** Texts that are no key. */
const noKeys: readonly unknown[] = [
  ...[
    '',
    ' ',
    `${good}\n`,
    `one\ntwo-lines`,
    `${good}\r\n`,
    `nul\0-key-0123`,
    'with a blank',
    'schlüssel-0123',
  ],
  ...['x'.repeat(4097), 'x'.repeat(1024 * 1024), 12345678, null, true, [good], { key: good }],
]
const malformed: readonly unknown[] = [
  ...noKeys.flatMap((bad) => [
    { provider: 'gemini', api_key: bad },
    { api_keys: { gemini: bad } },
    { api_keys: { gemini: good, exa: bad } },
  ]),
  ...['openai', 'Gemini', '', '__proto__', 'constructor', null].map((provider) => ({
    provider,
    api_key: good,
  })),
  ...[{ openai: good }, { gemini: good, vapi: good }, {}, [], null, good].map((api_keys) => ({ api_keys })),
  ...[{}, [], null, good, { provider: 'gemini' }, { api_key: good }],
  { provider: 'gemini', api_key: good, api_keys: { exa: good } },
  { provider: 'gemini', api_key: good, user_id: 'ada' },
  ...['{', `{"provider":"gemini","api_key":"${good}"`, `{"api_keys":{"__proto__":{"gemini":"${good}"}}}`],
]

test('what is no key, no provider or no order is refused by name, and nothing of it is saved', async () => {
  const { call, database } = gateway
  const token = await gateway.sign('eve')
  const refuse = async (method: string, where: string, body?: unknown) => {
    const answer = await call(method, where, { token, ...(body === undefined ? {} : { body }) })
    const place = `${method} ${where} ${JSON.stringify(body)?.slice(0, 120)}: ${answer.text.slice(0, 300)}`
    assert.deepEqual([answer.status, answer.error?.code], [400, 'malformed_request'], place)
    assert.ok(!answer.text.includes(good), place)
    return answer.error?.message ?? ''
  }
  for (const body of malformed) await refuse('POST', path, body)
  assert.match(
    await refuse('POST', path, { api_keys: { gemini: good, exa: 'a\nb' } }),
    /api_keys\.exa.*line breaks/,
  )
  assert.match(await refuse('POST', path, { provider: 'openai', api_key: good }), /gemini.*exa.*copilotkit/)
  for (const bad of noKeys) await refuse('POST', `${path}/gemini/validate`, { api_key: bad })
  for (const name of ['openai', 'GEMINI', 'gemini%00', '%F0%9F%94%91']) {
    await refuse('DELETE', `${path}/${name}`)
    await refuse('POST', `${path}/${name}/validate`)
  }
  assert.deepEqual((await call('GET', path, { token })).json, { api_keys: {} })
  const { rows } = await database.query(
    "select 1 from provider_keys k join clients c on c.id = k.client_id where c.subject = 'eve'",
  )
  assert.equal(rows.length, 0)
  assert.deepEqual(upstream.calls, [])
  await assertUnseen(gateway, [good])
})

test('a removed key is gone, and with it what was written on it', async () => {
  const { call, sign } = gateway
  const token = await sign('ida')
  const keys = { gemini: good, exa: 'exa-key-0000-4321' }
  const saved = await call('POST', path, { token, body: { api_keys: keys } })
  assert.deepEqual(saved.json.providers, ['gemini', 'exa'])
  const list = async () => (await call('GET', path, { token })).json.api_keys
  assert.deepEqual(await list(), { gemini: '****6789', exa: '****4321' })
  const removed = await call('DELETE', `${path}/gemini`, { token })
  assert.deepEqual(
    [removed.status, removed.json],
    [200, { message: 'Removed: gemini.', provider: 'gemini', status: 'removed' }],
  )
  assert.deepEqual(await list(), { exa: '****4321' })
  const again = await call('DELETE', `${path}/gemini`, { token })
  assert.deepEqual([again.status, again.error?.code], [404, 'not_found'])
  const text = await call('POST', '/api/blog/generate', { token, body: { topic: 'x' } })
  assert.deepEqual([text.status, text.error?.code], [400, 'provider_key_missing'])
  assert.deepEqual(upstream.calls, [])
})

/** No answer so far, no log line, no metric and no row holds one of `texts`. */
async function assertUnseen(gateway: UserTest, texts: readonly string[]): Promise<void> {
  const { database, registry, logLines, answers } = gateway
  const tables = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  assert.ok(tables.rows.length > 20)
  const stored: string[] = []
  for (const { name } of tables.rows) {
    const { rows } = await database.query<{ text: string }>(`select t::text as text from ${name} t`)
    stored.push(...rows.map(({ text }) => text))
  }
  const places = { answers, logLines, stored, metrics: [await registry.metrics()] }
  for (const [place, lines] of Object.entries(places)) {
    assert.notEqual(lines.length, 0, place)
    for (const line of lines) {
      for (const text of texts) assert.ok(!line.includes(text), `${place}: ${line}`)
    }
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
