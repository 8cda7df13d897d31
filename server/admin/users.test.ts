// End users through the admin API: listed with the providers of their keys, never the keys, and no client that an admin made.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startIssuer } from '../../test/support/issuer.ts'
import { openApiTest } from '../api/test-support.ts'

const secretKey = 'AIza-own-key-of-ada-0123456789'

async function open(t: TestContext, env: Record<string, string> = {}) {
  const closers: (() => Promise<unknown>)[] = []
  const issuer = await startIssuer({ defer: (close) => closers.push(close) })
  const gateway = await openApiTest(t, { OIDC_ISSUER: issuer.url, ...env })
  t.after(async () => {
    for (const close of closers) await close()
  })
  const sign = (subject: string, claims = {}) =>
    issuer.sign(subject, { issuedAtMs: gateway.clock.now(), claims })
  return { ...gateway, sign }
}
const items = (json: Record<string, unknown>) => json.items as Record<string, unknown>[]

test('users are listed and found with their state and providers, never a key; clients of the admin are not among them', async (t) => {
  const { admin, call, makeClient, sign } = await open(t)
  await makeClient('Acme')
  const ada = await sign('user_Ada', { name: 'Ada', email: 'ada@example.com' })
  const bob = await sign('user_Bob', { name: 'Bob' })
  const body = { api_key: secretKey }
  assert.equal((await call('PUT', '/api/provider-keys/gemini', { token: ada, body })).status, 200)
  assert.equal((await call('PUT', '/api/provider-keys/exa', { token: ada, body })).status, 200)
  assert.equal((await call('GET', '/api/provider-keys', { token: bob })).status, 200)
  const list = await admin('GET', '/users')
  assert.equal(list.json.total, 2)
  assert.ok(!list.text.includes(secretKey) && !list.text.includes(secretKey.slice(-4)))
  const [second, first] = items(list.json)
  assert.deepEqual(
    [first?.user_id, first?.providers, first?.email, first?.status, first?.shared_keys],
    ['user_Ada', ['exa', 'gemini'], 'ada@example.com', 'active', false],
  )
  assert.deepEqual([second?.user_id, second?.providers], ['user_Bob', []])
  assert.deepEqual((await admin('GET', `/users/${first?.id}`)).json, first)
  const idsOf = async (query: string) =>
    items((await admin('GET', `/users?${query}`)).json).map(({ user_id }) => user_id)
  assert.deepEqual(await idsOf('q=user_A'), ['user_Ada'])
  assert.deepEqual(await idsOf('q=ADA'), ['user_Ada'])
  assert.deepEqual(await idsOf('q=%25'), [])
  await admin('POST', `/clients/${first?.id}/revoke`)
  assert.deepEqual(await idsOf('status=suspended'), ['user_Ada'])
  assert.equal((await call('GET', '/api/provider-keys', { token: ada })).status, 401)
  assert.deepEqual(await idsOf('page=2&page_size=1'), ['user_Ada'])
  const namesOf = async (kind: string) =>
    items((await admin('GET', `/clients?kind=${kind}`)).json).map(({ name }) => name)
  assert.deepEqual(await namesOf('client'), ['Acme'])
  assert.deepEqual(await namesOf('user'), ['Bob', 'Ada'])
})

test('each user is listed with how far the onboarding is, and looking begins none', async (t) => {
  const { admin, call, sign } = await open(t, { DEPLOY_ENV: 'test' })
  const ada = await sign('user_Ada')
  const bob = await sign('user_Bob')
  assert.equal(
    (await call('PUT', '/api/provider-keys/gemini', { token: ada, body: { api_key: secretKey } })).status,
    200,
  )
  assert.equal((await call('GET', '/api/provider-keys', { token: bob })).status, 200)
  for (const step of [1, 2]) {
    const answer = await call('POST', `/api/onboarding/step/${step}/complete`, { token: ada })
    assert.equal(answer.status, 200, answer.text)
  }
  for (let look = 0; look < 2; look++) {
    const { json } = await admin('GET', '/users')
    assert.equal(json.key_mode, 'production')
    const [second, first] = items(json)
    assert.equal(second?.onboarding, null)
    const { started_at, ...state } = Object(first?.onboarding)
    assert.equal(typeof started_at, 'string')
    assert.deepEqual(state, { current_step: 3, progress: 50, is_completed: false, completed_at: null })
    assert.deepEqual((await admin('GET', `/users/${first?.id}`)).json.onboarding, first?.onboarding)
  }
})

test('in development mode the list says so, and its one user is there', async (t) => {
  const { admin, call } = await open(t)
  assert.equal((await call('GET', '/api/onboarding/status')).status, 200)
  const { json } = await admin('GET', '/users')
  assert.equal(json.key_mode, 'development')
  const [dev] = items(json)
  assert.deepEqual([dev?.user_id, Object(dev?.onboarding).current_step], ['dev', 1])
})

test('an unknown user, a client that is none, malformed queries and a stranger are refused', async (t) => {
  const { admin, call, makeClient, sign } = await open(t)
  const acme = await makeClient('Acme')
  for (const id of [acme.id, 999_999])
    assert.equal((await admin('GET', `/users/${id}`)).error?.code, 'not_found')
  for (const query of ['status=gone', 'page=0', 'x=1', 'q=']) {
    assert.equal((await admin('GET', `/users?${query}`)).error?.code, 'malformed_request', query)
  }
  const token = await sign('user_Ada')
  for (const path of ['/admin/api/users', '/admin/api/users/1']) {
    assert.equal((await call('GET', path)).status, 401)
    for (const credential of [token, acme.apiKey]) {
      assert.equal((await call('GET', path, { token: credential })).status, 401)
    }
  }
})

test('a provider key that is saved while its client is deleted goes with it', async (t) => {
  const { admin, call, database, makeClient } = await open(t)
  for (let round = 0; round < 12; round++) {
    const client = await makeClient(`Acme${round}`)
    const body = { api_key: secretKey }
    const saves = ['gemini', 'exa', 'openai'].map((name) =>
      call('PUT', `/api/provider-keys/${name}`, { token: client.apiKey, body }),
    )
    const [deleted, ...saved] = await Promise.all([
      admin('DELETE', `/clients/${client.id}?usage=drop`),
      ...saves,
    ])
    assert.equal(deleted?.status, 200)
    for (const { status } of saved) assert.ok([200, 401, 404].includes(status), String(status))
  }
  const { rows } = await database.query('select 1 from provider_keys')
  assert.equal(rows.length, 0, 'no key is left that nobody owns')
})
