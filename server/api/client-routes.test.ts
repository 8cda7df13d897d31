// What a client may see and change with its own API key, and that nothing of another client shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApiTest, withoutRequestId } from './test-support.ts'

test('health is open, and a key that is sent must be good', async (t) => {
  const gateway = await openApiTest(t)
  const { apiKey } = await gateway.makeClient('Acme')
  const health = (headers: Record<string, string> = {}) => gateway.call('GET', '/api/health', { headers })

  const open = await health()
  assert.equal(open.status, 200)
  assert.equal(open.json.status, 'ok')
  assert.match(String(open.json.timestamp), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  for (const headers of [
    { 'x-api-key': apiKey },
    { authorization: `Bearer ${apiKey}` },
    { authorization: `bearer ${apiKey}`, 'x-api-key': apiKey },
  ]) {
    assert.equal((await health(headers)).status, 200)
  }
  for (const headers of [
    { 'x-api-key': `${apiKey.slice(0, -1)}0` },
    { 'x-api-key': 'nonsense' },
    { authorization: apiKey },
    { authorization: `Basic ${apiKey}` },
  ]) {
    assert.equal((await health(headers)).error?.code, 'invalid_credential')
  }
})

test('two different credentials are refused, whichever of them is good', async (t) => {
  const gateway = await openApiTest(t)
  const { id, apiKey } = await gateway.makeClient('Acme')
  const other = await gateway.makeKey(id)
  const headers = { 'x-api-key': apiKey, authorization: `Bearer ${other.apiKey}` }
  for (const path of ['/api/health', `/api/clients/${id}/keys`, '/api/provider-keys']) {
    const answer = await gateway.call('GET', path, { headers })
    assert.deepEqual([answer.status, answer.error?.code], [400, 'conflicting_credentials'])
  }
})

test('a client lists its own keys; any other id looks the same, whether it exists or not', async (t) => {
  const gateway = await openApiTest(t)
  const acme = await gateway.makeClient('Acme')
  const other = await gateway.makeClient('Other')
  const second = await gateway.makeKey(acme.id, { name: 'second' })
  const list = (id: string | number) => gateway.call('GET', `/api/clients/${id}/keys`, { token: acme.apiKey })

  const own = await list(acme.id)
  assert.equal(own.status, 200)
  assert.deepEqual(
    (own.json.items as { id: number }[]).map(({ id }) => id),
    [second.id, acme.keyId],
  )
  assert.ok(!own.text.includes(acme.apiKey) && !own.text.includes(second.apiKey))
  const refusals = await Promise.all([other.id, 999_999, 0, 'acme', `0${acme.id}`, `${acme.id}.0`].map(list))
  for (const refusal of refusals) {
    assert.equal(refusal.error?.code, 'not_your_client')
    assert.equal(withoutRequestId(refusal), withoutRequestId(refusals[0] ?? own))
  }
})

test('a client brings, replaces and removes its own provider key, which is never shown', async (t) => {
  const gateway = await openApiTest(t)
  const acme = await gateway.makeClient('Acme')
  const other = await gateway.makeClient('Other')
  const call = (method: string, path: string, token: string, body?: unknown) =>
    gateway.call(method, `/api/provider-keys${path}`, { token, ...(body ? { body } : {}) })

  const saved = await call('PUT', '/openai', acme.apiKey, { api_key: 'sk-acme-0123456789abcdef' })
  assert.equal(saved.status, 200)
  assert.deepEqual([saved.json.provider, saved.json.last4], ['openai', 'cdef'])
  await call('PUT', '/openai', acme.apiKey, { api_key: 'sk-acme-fedcba9876543210' })
  const list = await call('GET', '', acme.apiKey)
  assert.deepEqual(
    (list.json.items as { last4: string }[]).map(({ last4 }) => last4),
    ['3210'],
  )
  assert.ok(!list.text.includes('sk-acme') && !saved.text.includes('sk-acme'))
  assert.deepEqual((await call('GET', '', other.apiKey)).json.items, [])
  assert.equal((await call('DELETE', '/openai', other.apiKey)).status, 404)
  assert.equal((await gateway.vault.openKey(acme.id, 'openai'))?.reveal(), 'sk-acme-fedcba9876543210')

  const removed = await call('DELETE', '/openai', acme.apiKey)
  assert.deepEqual([removed.status, removed.text], [204, ''])
  assert.equal((await call('DELETE', '/openai', acme.apiKey)).status, 404)
  assert.equal(await gateway.vault.openKey(acme.id, 'openai'), null)
  const audit = await gateway.admin('GET', '/audit')
  const actors = (audit.json.items as { actor: string; action: string }[])
    .filter(({ action }) => action.startsWith('provider_key.'))
    .map(({ actor }) => actor)
  assert.deepEqual(actors, Array(3).fill(`api_key:${acme.keyId}`))
  assert.ok(!audit.text.includes('sk-acme'))
})

test('malformed provider keys and unknown providers are refused by name', async (t) => {
  const gateway = await openApiTest(t)
  const { apiKey: token } = await gateway.makeClient('Acme')
  const put = (name: string, body: unknown) =>
    gateway.call('PUT', `/api/provider-keys/${name}`, { token, body })
  const cases: [name: string, body: unknown, status: number, says: RegExp][] = [
    ['nowhere', { api_key: 'x' }, 404, /no provider/],
    ['Not-a-Name', { api_key: 'x' }, 400, /^name: must be a provider name/],
    ['openai', {}, 400, /^api_key: is missing/],
    ['openai', { api_key: '' }, 400, /^api_key: must have 1/],
    ['openai', { api_key: 'two words' }, 400, /^api_key: must be printable/],
    ['openai', { api_key: 'line\nbreak' }, 400, /^api_key: must be printable/],
    ['openai', { api_key: 'x', base_url: 'http://10.0.0.1' }, 400, /unknown field "base_url"/],
  ]
  for (const [name, body, status, says] of cases) {
    const answer = await put(name, body)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.error?.message ?? '', says)
  }
})

test('a key manages the provider keys of its scope only', async (t) => {
  const gateway = await openApiTest(t)
  const { id, apiKey } = await gateway.makeClient('Acme')
  const body = { api_key: 'sk-0123456789abcdef' }
  for (const name of ['openai', 'exa']) {
    await gateway.call('PUT', `/api/provider-keys/${name}`, { token: apiKey, body })
  }
  const exaOnly = await gateway.makeKey(id, { scopes: ['proxy:exa'] })
  const video = await gateway.makeKey(id, { scopes: ['video', 'usage'] })
  const list = await gateway.call('GET', '/api/provider-keys', { token: exaOnly.apiKey })
  assert.deepEqual(
    (list.json.items as { provider: string }[]).map(({ provider }) => provider),
    ['exa'],
  )
  for (const [token, name, status] of [
    [exaOnly.apiKey, 'exa', 200],
    [exaOnly.apiKey, 'openai', 403],
    [video.apiKey, 'exa', 403],
  ] as const) {
    const answer = await gateway.call('PUT', `/api/provider-keys/${name}`, { token, body })
    assert.equal(answer.status, status, answer.text)
  }
  const refused = await gateway.call('DELETE', '/api/provider-keys/openai', { token: video.apiKey })
  assert.equal(refused.error?.code, 'scope_missing')
})

test('a bound key is good from its address only', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const fixed = await gateway.makeKey(id, { binding: { mode: 'single', allowed_ips: ['10.1.1.1'] } })
  const firstUse = await gateway.makeKey(id, { binding: { policy: 'first_use' } })
  const callFrom = async (address: string, token: string) => {
    gateway.caller.address = address
    const answer = await gateway.call('GET', '/api/health', { token })
    gateway.caller.address = '127.0.0.1'
    return answer.error?.code ?? answer.status
  }
  assert.equal(await callFrom('10.1.1.1', fixed.apiKey), 200)
  assert.equal(await callFrom('10.1.1.2', fixed.apiKey), 'ip_not_allowed')
  assert.equal(await callFrom('10.2.2.2', firstUse.apiKey), 200)
  assert.equal(await callFrom('10.2.2.3', firstUse.apiKey), 'ip_not_allowed')
  assert.equal(await callFrom('10.2.2.2', firstUse.apiKey), 200)
})

test('over its requests per minute a key is told when to come again', async (t) => {
  const gateway = await openApiTest(t)
  const { id } = await gateway.makeClient('Acme')
  const { apiKey: token } = await gateway.makeKey(id, { requests_per_minute: 2 })
  const first = await gateway.call('GET', '/api/health', { token })
  assert.equal(first.headers.get('ratelimit'), '"credential";r=1;t=60')
  await gateway.call('GET', '/api/provider-keys', { token })
  const refused = await gateway.call('GET', '/api/provider-keys', { token })
  assert.deepEqual([refused.status, refused.error?.code], [429, 'rate_limited'])
  assert.equal(refused.headers.get('retry-after'), '60')
  gateway.clock.advance(60_000)
  assert.equal((await gateway.call('GET', '/api/provider-keys', { token })).status, 200)
})

test('pages of listed origins may call and read refusals; no other page may', async (t) => {
  const gateway = await openApiTest(t, { CORS_ORIGINS: 'https://app.example.com,http://localhost:5173' })
  const { apiKey: token } = await gateway.makeClient('Acme')
  const preflight = (origin: string, path = '/api/provider-keys') =>
    gateway.call('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-api-key',
      },
    })
  const allowed = await preflight('http://localhost:5173')
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://localhost:5173')
  assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /X-API-Key/)
  assert.match(allowed.headers.get('vary') ?? '', /Origin/)
  for (const refused of [await preflight('https://evil.example.com'), await preflight('null')]) {
    assert.equal(refused.status, 405)
    assert.equal(refused.headers.get('access-control-allow-origin'), null)
  }
  const origin = 'https://app.example.com'
  for (const wanted of [token, 'nonsense']) {
    const answer = await gateway.call('GET', '/api/provider-keys', { token: wanted, headers: { origin } })
    assert.equal(answer.headers.get('access-control-allow-origin'), origin)
  }
  const elsewhere = await gateway.call('GET', '/admin/api/audit', { headers: { origin } })
  assert.equal(elsewhere.headers.get('access-control-allow-origin'), null)
})
