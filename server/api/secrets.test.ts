// A walk over every route that is described: no answer holds a provider key, a digest, or a secret after its one showing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiTest, openApiTest } from './test-support.ts'

type Operation = { method: string; path: string }
type Names = Readonly<Record<string, string | number>>

const providerKeys = ['sk-shared-Qm8vZx2LpTk4', 'sk-own-Ht7cWb9RnYs3', 'exa-environment-Jd6fGk1X']

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
  }
  return method === 'GET' ? undefined : (bodies[`${method} ${path}`] ?? {})
}

function fill(path: string, names: Names): string {
  return path
    .replace('/keys/{id}', `/keys/${names.key}`)
    .replace('{id}', String(names.client))
    .replace('{device_id}', 'pi_1')
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

async function listOperations(gateway: ApiTest): Promise<Operation[]> {
  const { json } = await gateway.call('GET', '/docs/json')
  const paths = json.paths as Record<string, Record<string, unknown>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  )
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

test('no route tells a provider key, a digest, or a secret that was shown before', async (t) => {
  const gateway = await openApiTest(t, { EXA_API_KEY: providerKeys[2] ?? '' })
  const { id: client, apiKey, keyId } = await gateway.makeClient('Acme')
  const key = await gateway.makeKey(client, { binding: { policy: 'first_use' } })
  const device = await gateway.makeDevice(client, 'pi_1')
  const deviceToken = await gateway.authenticate(device)
  await gateway.call('GET', '/api/health', { token: key.apiKey })
  const bindings = await gateway.admin('GET', '/bindings')
  const [binding] = bindings.json.items as { id: number }[]
  const names: Names = { client, key: keyId, binding: binding?.id ?? 0 }
  await gateway.admin('PUT', '/providers/openai/key', { api_key: providerKeys[0] })
  await gateway.admin('PUT', `/clients/${client}/provider-keys/openai`, { api_key: providerKeys[1] })

  const secrets = [
    ...providerKeys,
    apiKey,
    key.apiKey,
    device.secret,
    deviceToken,
    ...(await readDigests(gateway)),
  ]
  const credentials = [await gateway.signIn(), apiKey, deviceToken]
  const operations = inOrder(await listOperations(gateway))
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
  // These need a password, a secret or VAPI, or what the walk has taken away before.
  assert.deepEqual([...unserved].sort(), [
    'POST /admin/api/login',
    'POST /admin/api/session',
    'POST /device/auth',
    'POST /vapi/start',
    'POST /vapi/stop',
  ])
  const log = gateway.logLines.join('\n')
  for (const secret of secrets) assert.ok(!log.includes(secret))
})
