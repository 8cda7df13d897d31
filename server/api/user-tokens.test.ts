// User tokens on the routes of clients: what they open, what stays closed, and whose things they show.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startIssuer } from '../../test/support/issuer.ts'
import { openApiTest, withoutRequestId } from './test-support.ts'

async function open(t: TestContext) {
  const closers: (() => Promise<unknown>)[] = []
  const issuer = await startIssuer({ defer: (close) => closers.push(close) })
  const gateway = await openApiTest(t, { OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'sallyport' })
  t.after(async () => {
    for (const close of closers) await close()
  })
  const sign = (subject: string, claims = {}) =>
    issuer.sign(subject, { issuedAtMs: gateway.clock.now(), claims: { aud: 'sallyport', ...claims } })
  return { ...gateway, sign }
}

test('a user keeps own provider keys and sees those only', async (t) => {
  const { call, sign } = await open(t)
  const [ada, bob] = [await sign('ada'), await sign('bob')]
  const body = { api_key: 'AIza-own-key-of-ada-1234' }
  const saved = await call('PUT', '/api/provider-keys/gemini', { token: ada, body })
  assert.deepEqual([saved.status, saved.json.last4], [200, '1234'])
  const list = async (token: string) => (await call('GET', '/api/provider-keys', { token })).json.items
  assert.equal(((await list(ada)) as unknown[]).length, 1)
  assert.deepEqual(await list(bob), [])
  const absent = await call('DELETE', '/api/provider-keys/exa', { token: ada })
  const foreign = await call('DELETE', '/api/provider-keys/gemini', { token: bob })
  assert.equal(withoutRequestId(foreign), withoutRequestId(absent).replaceAll('exa', 'gemini'))
  assert.equal((await call('DELETE', '/api/provider-keys/gemini', { token: ada })).status, 204)
})

test('bad user tokens open nothing, and all look like any unknown credential', async (t) => {
  const { call, sign, makeClient } = await open(t)
  const { id } = await makeClient('Acme')
  const now = Math.floor(Date.now() / 1000)
  const good = await sign('ada')
  const bad = {
    expired: await sign('ada', { exp: now - 3600 }),
    'of another audience': await sign('ada', { aud: 'else' }),
    'of another issuer': await sign('ada', { iss: 'https://evil.example' }),
    altered: `${good.slice(0, -4)}AAAA`,
    'with a blank': `${good} x`,
  }
  const unknown = withoutRequestId(await call('GET', '/api/provider-keys', { token: 'nobody' }))
  for (const [why, token] of Object.entries(bad)) {
    for (const path of ['/api/provider-keys', `/api/clients/${id}/keys`, '/api/health']) {
      assert.equal(withoutRequestId(await call('GET', path, { token })), unknown, `${why}: ${path}`)
    }
  }
  const asKey = await call('GET', '/api/provider-keys', { headers: { 'x-api-key': good } })
  assert.equal(asKey.status, 200)
  const two = { token: good, headers: { 'x-api-key': await sign('bob') } }
  assert.equal((await call('GET', '/api/provider-keys', two)).error?.code, 'conflicting_credentials')
})

test('a user token is no device token, no admin token, and shows no other client', async (t) => {
  const { call, sign, makeClient, makeDevice, authenticate } = await open(t)
  const acme = await makeClient('Acme')
  const token = await sign('ada')
  const foreign = withoutRequestId(await call('GET', `/api/clients/${acme.id}/keys`, { token }))
  const absent = withoutRequestId(await call('GET', '/api/clients/999/keys', { token }))
  assert.equal(foreign, absent)
  assert.match(foreign, /^403/)
  for (const [method, path] of [
    ['GET', '/device/info'],
    ['POST', '/device/refresh'],
    ['POST', '/vapi/start'],
    ['GET', '/admin/api/clients'],
  ] as const) {
    assert.equal((await call(method, path, { token, body: method === 'POST' ? {} : undefined })).status, 401)
  }
  const device = await makeDevice(acme.id, 'pi_1')
  const deviceToken = await authenticate(device)
  assert.equal((await call('GET', '/api/provider-keys', { token: deviceToken })).status, 401)
})
