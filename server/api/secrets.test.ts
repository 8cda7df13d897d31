// A walk over every route that is described: no answer holds a provider key, a digest, or a secret after its one showing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Issuer, startIssuer } from '../../test/support/issuer.ts'
import { seedEvents, writeEvents } from '../billing/test-support.ts'
import { makeJpeg } from '../video/test-support.ts'
import { type ApiTest, listOperations, type Operation, openApiTest } from './test-support.ts'

type Names = Readonly<Record<string, string | number>>

const providerKeys = ['sk-shared-Qm8vZx2LpTk4', 'sk-own-Ht7cWb9RnYs3', 'exa-environment-Jd6fGk1X']
const keyOfUser = 'AIza-user-Pw4nVq8MzLc2'
/** Over, whatever the day. */
const week = '2025-W40'

const picture = makeJpeg().toString('base64')

/** Bodies with which a route does what it is for; others are sent an empty one. */
function bodyOf({ method, path }: Operation, names: Names): unknown {
  const bodies: Record<string, unknown> = {
    'POST /admin/api/bindings': { token: 'sk-anotherToken', mode: 'all' },
    'PUT /admin/api/bindings/ip': { id: names.binding, mode: 'all' },
    'POST /admin/api/bindings/ban': { id: names.binding },
    'POST /admin/api/bindings/unban': { id: names.binding },
    'POST /admin/api/bindings/unbind': { id: names.binding },
    'POST /admin/api/clients': { name: 'New', email: 'new@example.com' },
    'POST /admin/api/devices': { device_id: 'pi_new', client_id: names.client },
    'PUT /admin/api/providers/{name}/key': { api_key: providerKeys[0] },
    'PUT /admin/api/clients/{id}/provider-keys/{name}': { api_key: providerKeys[1] },
    'PUT /api/provider-keys/{name}': { api_key: providerKeys[1] },
    'POST /admin/api/invoices/run': { week },
    'POST /admin/api/invoices/{number}/pay': { date: '2025-10-15', reference: 'x' },
    'POST /api/video/buffer': { frame_data: picture },
    'POST /api/video/buffer/batch': { frames: [{ frame_data: picture }] },
    'POST /api/onboarding/api-keys': { provider: 'gemini', api_key: providerKeys[1] },
  }
  return method === 'GET' ? undefined : (bodies[`${method} ${path}`] ?? {})
}

function fill(path: string, names: Names): string {
  return path
    .replace('/keys/{id}', `/keys/${names.key}`)
    .replace('/users/{id}', `/users/${names.user}`)
    .replace('{id}', String(names.client))
    .replace('{number}', `${week}-001`)
    .replace('{device_id}', 'pi_1')
    .replace('{provider}', 'gemini')
    .replace('{n}', '1')
    .replace('{name}', path.startsWith('/api/') ? 'gemini' : 'openai')
}

/** What takes things away comes last: first things, then credentials, then the client with all it has. */
function inOrder(operations: Operation[]): Operation[] {
  const rank = ({ method, path }: Operation) => {
    if (path === '/admin/api/clients/{id}' && method === 'DELETE') return 3
    if (/revoke|unbind/.test(path)) return 2
    return method === 'DELETE' ? 1 : 0
  }
  return operations.sort((a, b) => rank(a) - rank(b))
}

/** Every spelling of every digest in the database. */
async function readDigests({ database }: ApiTest): Promise<string[]> {
  const tables = ['api_key_secrets', 'device_secrets', 'bindings']
  const found = await Promise.all(
    tables.map((table) => database.query<{ digest: Buffer }>(`select digest from ${table}`)),
  )
  const digests = found.flatMap(({ rows }) => rows.map(({ digest }) => digest))
  assert.ok(digests.length >= 4)
  return digests.flatMap((digest) => [digest.toString('hex'), digest.toString('base64url')])
}

/** A user token whose user keeps a provider key, and has used both. */
async function makeUser(gateway: ApiTest, issuer: Issuer): Promise<string> {
  const token = await issuer.sign('ada', { issuedAtMs: gateway.clock.now(), claims: { aud: 'sallyport' } })
  const body = { api_key: keyOfUser }
  const saved = await gateway.call('PUT', '/api/provider-keys/exa', { token, body })
  assert.equal(saved.status, 200, saved.text)
  return token
}

/** The client has an invoice, and something open for the next one. */
async function makeInvoice({ admin, database }: ApiTest, client: number): Promise<void> {
  await writeEvents(database, seedEvents(client, client))
  assert.equal((await admin('POST', '/invoices/run', { week })).status, 200)
}

test('no route tells a provider key, a digest, or a secret that was shown before', async (t) => {
  const issuer = await startIssuer({ defer: (close) => t.after(close) })
  const gateway = await openApiTest(t, {
    ...{ EXA_API_KEY: providerKeys[2] ?? '', GEMINI_BASE_URL: 'http://127.0.0.1:9' },
    ...{ OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: 'sallyport' },
  })
  const { id: client, apiKey, keyId } = await gateway.makeClient('Acme')
  const key = await gateway.makeKey(client, { binding: { policy: 'first_use' } })
  const device = await gateway.makeDevice(client, 'pi_1')
  const deviceToken = await gateway.authenticate(device)
  await gateway.call('GET', '/api/health', { token: key.apiKey })
  const bindings = await gateway.admin('GET', '/bindings')
  const [binding] = bindings.json.items as { id: number }[]
  await gateway.call('GET', '/api/onboarding/status')
  const users = await gateway.admin('GET', '/users')
  const [user] = users.json.items as { id: number }[]
  const names: Names = { user: user?.id ?? 0, client, key: keyId, binding: binding?.id ?? 0 }
  await gateway.admin('PUT', '/providers/openai/key', { api_key: providerKeys[0] })
  await gateway.admin('PUT', `/clients/${client}/provider-keys/openai`, { api_key: providerKeys[1] })

  const userToken = await makeUser(gateway, issuer)
  await makeInvoice(gateway, client)

  const secrets = [
    ...providerKeys,
    ...[keyOfUser, userToken],
    apiKey,
    key.apiKey,
    device.secret,
    deviceToken,
    ...(await readDigests(gateway)),
  ]
  const credentials = [await gateway.signIn(), apiKey, deviceToken, userToken]
  const files = ['.html', '.pdf'].map((ending) => ({
    method: 'GET',
    path: `/api/invoices/{number}${ending}`,
  }))
  const operations = inOrder([...(await listOperations(gateway.call)), ...files])
  assert.ok(operations.length >= 45, `${operations.length} operations`)
  const unserved = new Set<string>()
  for (const operation of operations) {
    const body = bodyOf(operation, names)
    let isServed = false
    for (const token of credentials) {
      const path = fill(operation.path, names)
      const answer = await gateway.call(operation.method, path, {
        token,
        ...(body === undefined ? {} : { body }),
      })
      isServed ||= answer.status < 300
      const told = `${answer.text}\n${JSON.stringify([...answer.headers])}`
      for (const secret of secrets) assert.ok(!told.includes(secret), `${operation.method} ${path}: ${told}`)
    }
    if (!isServed) unserved.add(`${operation.method} ${operation.path}`)
  }
  // These need a password, a secret, a provider or model, a mail server or VAPI, or a state that the walk does not come by.
  assert.deepEqual([...unserved].sort(), [
    'POST /admin/api/invoices/{number}/send',
    'POST /admin/api/login',
    'POST /admin/api/session',
    'POST /api/alert',
    'POST /api/blog/generate',
    'POST /api/onboarding/api-keys/{provider}/validate',
    'POST /api/onboarding/complete',
    'POST /api/onboarding/step/{n}/skip',
    'POST /api/video/analyze',
    'POST /device/auth',
    'POST /vapi/start',
    'POST /vapi/stop',
  ])
  const log = gateway.logLines.join('\n')
  for (const secret of secrets) assert.ok(!log.includes(secret))
})
