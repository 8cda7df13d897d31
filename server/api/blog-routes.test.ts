// Texts on users' own keys: each upstream call carries its own user's key, one usage event each, every failure told.
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { modelEvent, startScriptedProviders } from '../onboarding/test-support.ts'
import { openUserTest } from './test-support.ts'

const path = '/api/blog/generate'

async function start(t: TestContext) {
  const providers = await startScriptedProviders(t)
  const env = { ...providers.environment, DEPLOY_ENV: 'test', GEMINI_API_KEY: 'operator-key-0000' }
  const gateway = await openUserTest(t, env)
  const { call, sign } = gateway
  // Only then events go from the journal into the table.
  await gateway.store.startWork()
  /** A user with keys that tell whose they are. */
  async function makeUser(name: string, keys: object) {
    const token = await sign(name)
    const saved = await call('POST', '/api/onboarding/api-keys', { token, body: { api_keys: keys } })
    assert.equal(saved.status, 200, saved.text)
    return token
  }
  return { ...gateway, providers, makeUser }
}

test('fifty users at once: each call carries exactly its own user’s key, and one event is written for each', async (t) => {
  const { call, providers, makeUser, database, store, logLines } = await start(t)
  // Each answer waits for a random number of others, so that calls overtake each other.
  providers.delay = async () => {
    for (let left = Math.floor(Math.random() * 200); left > 0; left--) await turn()
  }
  const names = Array.from({ length: 50 }, (_, index) => `u${index}`)
  const tokens = await Promise.all(
    names.map((name) => makeUser(name, { gemini: `gemini-key-of-${name}`, exa: `exa-key-of-${name}` })),
  )
  const rounds = [...names, ...names, ...names]
  const answers = await Promise.all(
    rounds.map((name, index) =>
      call('POST', path, { token: tokens[index % 50] ?? '', body: { topic: `topic-${name}-end` } }),
    ),
  )
  for (const [index, answer] of answers.entries()) {
    const topic = `topic-${rounds[index]}-end`
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.user_id, rounds[index])
    assert.equal(answer.json.title, `About ${topic}`)
    assert.deepEqual(answer.json.sources, [{ title: `On ${topic}`, url: `https://a.example/${topic}` }])
    assert.deepEqual(answer.json.usage, { tokens_in: 11, tokens_out: 10 })
  }
  assert.equal(providers.calls.length, 300)
  for (const { key, topic, path: asked } of providers.calls) {
    const name = /topic-(u\d+)-end/.exec(topic)?.[1]
    assert.equal(key, `${asked === '/search' ? 'exa' : 'gemini'}-key-of-${name}`)
  }
  await store.journal.flushed()
  const { rows } = await database.query<{ subject: string; calls: number; cost: number; named: number }>(
    `select c.subject, count(*)::int as calls, sum(u.cost_micros)::int as cost,
       count(*) filter (where 'own_key' = any(u.flags) and u.provider = 'gemini' and u.tokens_in = 11)::int as named
     from usage_events u join clients c on c.id = u.client_id group by c.subject`,
  )
  assert.equal(rows.length, 50)
  for (const row of rows)
    assert.deepEqual({ ...row, subject: '' }, { subject: '', calls: 3, cost: 0, named: 3 })
  assert.ok(logLines.some((line) => line.includes('[PROD MODE] Using database for user u7"')))
  assert.ok(!logLines.some((line) => line.includes('key-of-')))
})

test('without a key of the user’s own nothing is asked, whatever key the operator has', async (t) => {
  const { call, providers, sign, makeUser, admin } = await start(t)
  const without = await call('POST', path, { token: await sign('poor'), body: { topic: 'x' } })
  assert.deepEqual([without.status, without.error?.code], [400, 'provider_key_missing'])
  const { json } = await admin('GET', '/users')
  const [user] = json.items as { id: number }[]
  await admin('PATCH', `/clients/${user?.id}`, { shared_keys: true })
  assert.equal((await call('POST', path, { token: await sign('poor'), body: { topic: 'x' } })).status, 400)
  assert.equal((await call('POST', path, { body: { topic: 'x' } })).status, 401)
  const token = await makeUser('rich', { gemini: 'gemini-key-rich' })
  for (const body of [
    {},
    { topic: '' },
    { topic: 'x', words: 1 },
    { topic: 'x', model: 'y' },
    { topic: 'x'.repeat(2000) },
  ]) {
    assert.equal((await call('POST', path, { token, body })).status, 400, JSON.stringify(body))
  }
  assert.deepEqual(providers.calls, [])
})

test('streamed, it tells sources, title and text as they come, and the whole at the end', async (t) => {
  const { call, makeUser } = await start(t)
  const token = await makeUser('ann', { gemini: 'gemini-key-ann', exa: 'exa-key-of-ann' })
  const headers = { accept: 'text/event-stream' }
  const {
    status,
    text,
    headers: answered,
  } = await call('POST', path, { token, headers, body: { topic: 'topic-s' } })
  assert.deepEqual([status, answered.get('content-type')], [200, 'text/event-stream; charset=utf-8'])
  const events = text
    .trim()
    .split('\n\n')
    .map((event) => /^event: (\w+)\ndata: (.*)$/.exec(event))
    .map((match) => ({
      name: match?.[1] ?? '',
      data: JSON.parse(match?.[2] ?? '{}') as Record<string, unknown>,
    }))
  const joined = (wanted: string) =>
    events
      .filter(({ name }) => name === wanted)
      .map(({ data }) => data.text)
      .join('')
  const last = events.at(-1)
  assert.equal(events[0]?.name, 'sources')
  assert.equal(last?.name, 'done')
  assert.ok(events.filter(({ name }) => name === 'content').length > 2)
  assert.equal(joined('title'), last?.data.title)
  assert.equal(joined('content'), last?.data.content)
  assert.equal(last?.data.content, '# topic-s\n\n"Quoted" – text é 😀.')
})

const refusals: { name: string; answer: (response: ServerResponse) => void; code: string; status: number }[] =
  [
    {
      name: 'a bad key',
      answer: (response) => json(response, 400, { error: { details: [{ reason: 'API_KEY_INVALID' }] } }),
      ...{ code: 'provider_key_refused', status: 400 },
    },
    {
      name: 'quota',
      answer: (response) => json(response, 429, { error: { details: [{ retryDelay: '17s' }] } }),
      ...{ code: 'provider_quota_exceeded', status: 429 },
    },
    {
      name: 'out of order',
      answer: (response) => json(response, 503, {}),
      code: 'upstream_unreachable',
      status: 502,
    },
    {
      name: 'a cut connection',
      answer: (response) => response.destroy(),
      code: 'upstream_unreachable',
      status: 502,
    },
    {
      name: 'a redirect',
      answer: (response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
      ...{ code: 'upstream_protocol_error', status: 502 },
    },
    {
      name: 'a blocked prompt',
      answer: (response) => stream(response, [`data: {"promptFeedback":{"blockReason":"SAFETY"}}\n\n`]),
      ...{ code: 'generation_failed', status: 502 },
    },
    {
      name: 'an answer that is no post',
      answer: (response) =>
        stream(response, [modelEvent({ parts: [{ text: '[1]' }] }, { finishReason: 'STOP' })]),
      ...{ code: 'generation_failed', status: 502 },
    },
    {
      name: 'an answer that breaks off',
      answer: (response) => stream(response, [modelEvent({ parts: [{ text: '{"title":"T"' }] })]),
      ...{ code: 'generation_failed', status: 502 },
    },
  ]

test('each way in which the model fails has its own error, and never shows the key', async (t) => {
  const { call, providers, makeUser } = await start(t)
  const token = await makeUser('ann', { gemini: 'gemini-key-ann' })
  for (const { name, answer, code, status } of refusals) {
    providers.script(':streamGenerateContent', answer)
    const refused = await call('POST', path, { token, body: { topic: 'x' } })
    assert.deepEqual([refused.status, refused.error?.code], [status, code], `${name}: ${refused.text}`)
    assert.ok(!refused.text.includes('gemini-key-ann'))
    if (status === 429) assert.equal(refused.headers.get('retry-after'), '17')
  }
})

test('when the user leaves, the model is told to stop, and the event says so', async (t) => {
  const { url, providers, makeUser, database, store } = await start(t)
  const token = await makeUser('ann', { gemini: 'gemini-key-ann' })
  providers.script(':streamGenerateContent', (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(modelEvent({ parts: [{ text: '{"title":"T","content":"be' }] }))
  })
  const gone = new AbortController()
  const answer = await fetch(`${url}${path}`, {
    ...{ method: 'POST', body: JSON.stringify({ topic: 'x' }), signal: gone.signal },
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
    },
  })
  await answer.body?.getReader().read()
  gone.abort()
  while (providers.aborted.length === 0) await turn()
  let flags: string[] = []
  while (flags.length === 0) {
    await store.journal.flushed()
    const { rows } = await database.query<{ flags: string[] }>('select flags from usage_events')
    flags = rows[0]?.flags ?? []
  }
  assert.ok(flags.includes('aborted'), flags.join())
})

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function stream(response: ServerResponse, events: string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.join(''))
}
