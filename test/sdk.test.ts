// The vendors' own SDKs, only base URL and key changed: they work, and the provider's key never leaves the server.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import type { UsageEvent } from '@sallyport/contract'
import { VapiClient } from '@vapi-ai/server-sdk'
import { Exa } from 'exa-js'
import OpenAI, { toFile } from 'openai'
import { call } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { type Gateway, jsonCall, startGateway } from './support/gateway.ts'
import { modelReply, type ProviderApis, startProviderApis } from './support/provider-apis.ts'
import { openScope } from './support/scope.ts'
import { anyStorage } from './support/storage.ts'

const sharedKeys = {
  openai: 'sk-shared-openai-0123456789',
  anthropic: 'sk-ant-shared-0123456789',
  gemini: 'AIza-shared-gemini-0123456789',
  exa: 'exa-shared-0123456789',
  vapi: 'vapi-shared-0123456789',
}
const ownVapiKey = 'vapi-own-of-the-client-0123456789'
const messages = [{ role: 'user' as const, content: 'Where is the key?' }]

type UsageItem = Pick<
  UsageEvent,
  'endpoint' | 'provider' | 'status' | 'bytes_out' | 'tokens_in' | 'tokens_out' | 'flags'
>

type Created = { client: { id: number }; api_key: string }

describe('vendors’ SDKs through the gateway', () => {
  const scope = openScope({ after })
  /** Everything that any caller got to see: heads and bodies. */
  const seen: string[] = []
  let apis: ProviderApis
  let gateway: Gateway
  let acme: Created
  let voice: Created

  before(async () => {
    watchAnswers(scope.defer, seen)
    apis = await startProviderApis(scope)
    const { openai, ...others } = sharedKeys
    const environment = Object.entries(others).map(([name, key]) => [`${name.toUpperCase()}_API_KEY`, key])
    gateway = await startGateway(scope, {
      env: {
        ...(await anyStorage.open(scope)),
        ...apis.environment,
        ...Object.fromEntries(environment),
        CONFIG_FILE: await writeVapiSource(await scope.folder()),
      },
    })
    await expectStatus(gateway.admin('PUT', '/providers/openai/key', { api_key: openai }), 200)
    acme = await createClient('Acme')
    voice = await createClient('Voice')
    const ownKey = { api_key: ownVapiKey }
    await expectStatus(gateway.admin('PUT', `/clients/${voice.client.id}/provider-keys/vapi`, ownKey), 200)
  })

  async function createClient(name: string): Promise<Created> {
    const answer = await gateway.admin('POST', '/clients', { name, email: `${name}@example.com` })
    assert.equal(answer.status, 201, answer.text)
    return answer.json() as Created
  }

  const proxy = (name: string) => `${gateway.url}/proxy/${name}`
  const openai = (apiKey = acme.api_key) =>
    new OpenAI({ baseURL: `${proxy('openai')}/v1`, apiKey, maxRetries: 0 })

  test('openai: chat, responses, embeddings and models, plain and streamed', async () => {
    const client = openai()
    const model = 'gpt-4o-mini'
    const chat = await client.chat.completions.create({ model, messages })
    assert.equal(chat.choices[0]?.message.content, modelReply)
    let streamed = ''
    for await (const event of await client.chat.completions.create({ model, messages, stream: true })) {
      streamed += event.choices[0]?.delta.content ?? ''
    }
    assert.equal(streamed, modelReply)
    const response = await client.responses.create({ model, input: messages })
    assert.equal(response.output_text, modelReply)
    let events = ''
    for await (const event of await client.responses.create({ model, input: messages, stream: true })) {
      if (event.type === 'response.output_text.delta') events += event.delta
    }
    assert.equal(events, modelReply)
    const embedding = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'x' })
    assert.ok((embedding.data[0]?.embedding.length ?? 0) > 0)
    assert.ok((await client.models.list()).data.length > 0)
    sawOnly(sharedKeys.openai, acme.api_key)
  })

  test('openai: a stream has its usage chunk exactly when the caller asked for it, and is metered alike', async () => {
    const client = openai()
    const asked = [undefined, { include_usage: false }, { include_usage: true }]
    for (const [index, stream_options] of asked.entries()) {
      const question = { model: 'gpt-4o-mini', messages, stream: true as const }
      const events = await client.chat.completions.create(
        stream_options ? { ...question, stream_options } : question,
      )
      const usages = []
      for await (const { usage } of events) if (usage) usages.push(usage)
      assert.equal(usages.length, index === 2 ? 1 : 0)
    }
    const path = `/usage?client_id=${acme.client.id}&page_size=3`
    const items = await eventually('three streams in the usage', async () => {
      const { items } = (await gateway.admin('GET', path)).json() as { items: UsageItem[] }
      const isDrained = items.filter(({ endpoint }) => endpoint.endsWith('/chat/completions')).length === 3
      return isDrained && items
    })
    const counts = items.map(({ tokens_in, tokens_out, flags }) => [tokens_in, tokens_out, flags])
    assert.deepEqual(counts, [counts[0], counts[0], counts[0]])
    assert.deepEqual(counts[0]?.[2], [])
    assert.ok(
      items.every(
        ({ status, bytes_out, provider }) => status === 200 && bytes_out > 0 && provider === 'openai',
      ),
    )
  })

  test('@anthropic-ai/sdk: messages, plain and streamed, with either of its two headers', async () => {
    const options = { baseURL: proxy('anthropic'), maxRetries: 0 }
    const question = { model: 'claude-sonnet-5', max_tokens: 100, messages }
    for (const credential of [{ apiKey: acme.api_key }, { apiKey: null, authToken: acme.api_key }]) {
      const client = new Anthropic({ ...options, ...credential })
      const { content } = await client.messages.create(question)
      assert.equal(content[0]?.type === 'text' ? content[0].text : null, modelReply)
      assert.equal(await client.messages.stream(question).finalText(), modelReply)
    }
    sawOnly(sharedKeys.anthropic, acme.api_key)
  })

  test('@google/genai: generateContent, plain and streamed', async () => {
    const client = new GoogleGenAI({ apiKey: acme.api_key, httpOptions: { baseUrl: proxy('gemini') } })
    const question = { model: 'gemini-2.5-flash', contents: 'Where is the key?' }
    assert.equal((await client.models.generateContent(question)).text, modelReply)
    let streamed = ''
    for await (const part of await client.models.generateContentStream(question)) streamed += part.text ?? ''
    assert.equal(streamed, modelReply)
    sawOnly(sharedKeys.gemini, acme.api_key)
  })

  test('exa-js: search and answer', async () => {
    const client = new Exa(acme.api_key, proxy('exa'))
    assert.equal((await client.search('keys')).results[0]?.url, 'https://a.example')
    assert.equal((await client.answer('Is it?')).answer, 'Yes.')
    sawOnly(sharedKeys.exa, acme.api_key)
  })

  test('@vapi-ai/server-sdk: works with the client’s own key, and with no other', async () => {
    const client = new VapiClient({ token: voice.api_key, baseUrl: proxy('vapi') })
    const calls = await client.calls.list()
    assert.equal(Array.isArray(calls) ? calls[0]?.id : null, 'call-1')
    sawOnly(ownVapiKey, voice.api_key)
    assert.doesNotMatch(apis.rawBytes(), new RegExp(sharedKeys.vapi))
    const without = new VapiClient({ token: acme.api_key, baseUrl: proxy('vapi') })
    await refusal(without.calls.list(), 403, 'route_not_shared')
  })

  test('a device’s token opens the same routes', async () => {
    const device = { device_id: 'pi_1', client_id: acme.client.id, name: 'Pi' }
    const registered = await gateway.admin('POST', '/devices', device)
    assert.equal(registered.status, 201, registered.text)
    const { device_secret } = registered.json() as { device_secret: string }
    const credentials = { device_id: 'pi_1', device_secret }
    const answer = await call(`${gateway.url}/device/auth`, jsonCall('POST', credentials))
    const { access_token } = answer.json() as { access_token: string }
    const chat = await openai(access_token).chat.completions.create({ model: 'gpt-4o-mini', messages })
    assert.equal(chat.choices[0]?.message.content, modelReply)
    sawOnly(sharedKeys.openai, access_token)
  })

  test('on the shared key files, batches and stored things are refused, by route and by body', async () => {
    const client = openai()
    const model = 'gpt-4o-mini'
    const file = await toFile(Buffer.from('{}'), 'a.jsonl')
    const before = apis.targets.length
    const refused = [
      () => client.files.create({ file, purpose: 'batch' }),
      () => client.files.list(),
      () => client.batches.list(),
      () => client.responses.retrieve('resp_1'),
      () => client.vectorStores.list(),
      () => client.conversations.create({}),
      () => client.chat.completions.create({ model, messages, store: true }),
      () => client.responses.create({ model, input: 'x', previous_response_id: 'resp_1' }),
      () => client.responses.create({ model, input: 'x', background: true }),
      () =>
        client.responses.create({
          model,
          input: 'x',
          tools: [{ type: 'file_search', vector_store_ids: ['v'] }],
        }),
      () =>
        client.responses.create({
          model,
          input: 'x',
          tools: [{ type: 'mcp', server_label: 'm', server_url: 'https://mcp.example' }],
        }),
    ]
    for (const attempt of refused) await refusal(attempt(), 403, 'route_not_shared')
    const anthropic = new Anthropic({ baseURL: proxy('anthropic'), apiKey: acme.api_key, maxRetries: 0 })
    await refusal(anthropic.messages.batches.list(), 403, 'route_not_shared')
    assert.equal(apis.targets.length, before)
    await client.chat.completions.create({ model, messages })
    assert.match(apis.rawBytes(), /"store":false/)
  })

  test('a revoked key is refused on its next call', async () => {
    const answer = await gateway.admin('POST', `/clients/${acme.client.id}/keys`, { name: 'second' })
    const { key, api_key } = answer.json() as { key: { id: number }; api_key: string }
    const client = openai(api_key)
    await client.models.list()
    await expectStatus(gateway.admin('POST', `/keys/${key.id}/revoke`), 200)
    await refusal(client.models.list(), 401, 'invalid_credential')
  })

  test('no caller, log line or metric ever held a provider’s key, nor a log line a caller’s', async () => {
    const headers = { authorization: `Bearer ${await gateway.login()}` }
    const metrics = await call(`${gateway.url}/metrics`, { headers })
    assert.equal(metrics.status, 200)
    assert.ok(seen.length > 20)
    const everything = [seen.join('\n'), gateway.output(), metrics.text].join('\n')
    for (const key of [...Object.values(sharedKeys), ownVapiKey]) assert.ok(!everything.includes(key), key)
    for (const { api_key } of [acme, voice]) assert.ok(!gateway.output().includes(api_key))
  })

  /** The provider got `key`, and nothing of what the caller holds, so far. */
  function sawOnly(key: string, credential: string): void {
    const bytes = apis.rawBytes()
    assert.ok(bytes.includes(key))
    assert.ok(!bytes.includes(credential))
  }
})

/** VAPI serves a client's own key when there is one. */
async function writeVapiSource(folder: string): Promise<string> {
  const path = `${folder}/sallyport.yaml`
  await writeFile(path, 'providers:\n  vapi: { key_source: own_else_shared }\n')
  return path
}

async function expectStatus(answer: ReturnType<typeof call>, status: number): Promise<void> {
  const { status: actual, text } = await answer
  assert.equal(actual, status, text)
}

async function refusal(attempt: PromiseLike<unknown>, status: number, code: string): Promise<void> {
  const error: unknown = await attempt.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error)
  const told = 'statusCode' in error ? error.statusCode : 'status' in error ? error.status : null
  assert.equal(told, status, error.message)
  const body = 'body' in error ? error.body : 'error' in error ? error.error : null
  assert.match(JSON.stringify(body), new RegExp(`"${code}"`))
}

/** Notes every answer that an SDK gets, without touching it. */
function watchAnswers(defer: (close: () => void) => void, seen: string[]): void {
  const original = globalThis.fetch
  globalThis.fetch = async (...request) => {
    const answer = await original(...request)
    seen.push(JSON.stringify([...answer.headers]))
    void answer
      .clone()
      .text()
      .then((body) => seen.push(body))
    return answer
  }
  defer(() => {
    globalThis.fetch = original
  })
}
