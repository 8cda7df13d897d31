// For tests: clients, keys and devices made through the admin API of a test gateway.
import assert from 'node:assert/strict'
import { type Issuer, startIssuer } from '../../test/support/issuer.ts'
import {
  type Answer,
  type GatewayWishes,
  openTestGateway,
  type TestGateway,
  type TestScope,
} from '../admin/test-support.ts'

export type { Answer, CallOptions, TestGateway } from '../admin/test-support.ts'

export type TestClient = { id: number; externalId: string; apiKey: string; keyId: number }
export type TestDevice = { deviceId: string; secret: string }

export type ApiTest = TestGateway & {
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  makeClient(name: string): Promise<TestClient>
  makeKey(clientId: number, wishes?: object): Promise<{ apiKey: string; id: number }>
  makeDevice(clientId: number, deviceId: string, wishes?: object): Promise<TestDevice>
  /** A device token, as a device comes by one. */
  authenticate(device: TestDevice): Promise<string>
}

export async function openApiTest(
  test: TestScope,
  env: Record<string, string> = {},
  wishes: Omit<GatewayWishes, 'env'> = {},
): Promise<ApiTest> {
  const gateway = await openTestGateway(test, { env, ...wishes })
  const token = await gateway.signIn()
  const admin = (method: string, path: string, body?: unknown) =>
    gateway.call(method, `/admin/api${path}`, { token, ...(body === undefined ? {} : { body }) })
  const made = async (path: string, body: object) => {
    const answer = await admin('POST', path, body)
    assert.equal(answer.status, 201, answer.text)
    return answer.json
  }
  return {
    ...gateway,
    admin,
    async makeClient(name) {
      const { client, api_key } = await made('/clients', { name, email: `${name.toLowerCase()}@example.com` })
      const { id, external_id: externalId } = client as { id: number; external_id: string }
      const { json } = await admin('GET', `/clients/${id}/keys`)
      const [key] = json.items as { id: number }[]
      return { id, externalId, apiKey: String(api_key), keyId: key?.id ?? 0 }
    },
    async makeKey(clientId, wishes = {}) {
      const { key, api_key } = await made(`/clients/${clientId}/keys`, wishes)
      return { apiKey: String(api_key), id: (key as { id: number }).id }
    },
    async makeDevice(clientId, deviceId, wishes = {}) {
      const { device_secret } = await made('/devices', {
        device_id: deviceId,
        client_id: clientId,
        ...wishes,
      })
      return { deviceId, secret: String(device_secret) }
    },
    async authenticate({ deviceId, secret }) {
      const body = { device_id: deviceId, device_secret: secret }
      const answer = await gateway.call('POST', '/device/auth', { body })
      assert.equal(answer.status, 200, answer.text)
      return String(answer.json.access_token)
    },
  }
}

export type UserTest = ApiTest & {
  issuer: Issuer
  /** A good token of this user. */
  sign(subject: string): Promise<string>
  /** Head and body of every answer so far. */
  answers: string[]
}

/** A gateway for end users, with the issuer that vouches for them. */
export async function openUserTest(
  test: TestScope,
  env: Record<string, string> = {},
  wishes: Omit<GatewayWishes, 'env'> = {},
): Promise<UserTest> {
  const issuer = await startIssuer({ defer: (close) => test.after(close) })
  const users = { OIDC_ISSUER: issuer.url, USERS_NEW_PER_MINUTE: '0' }
  const gateway = await openApiTest(test, { ...users, ...env }, wishes)
  const answers: string[] = []
  return {
    ...gateway,
    ...{ issuer, answers },
    sign: (subject) => issuer.sign(subject, { issuedAtMs: gateway.clock.now() }),
    async call(method, path, options) {
      const answer = await gateway.call(method, path, options)
      answers.push(`${JSON.stringify([...answer.headers])}\n${answer.text}`)
      return answer
    },
  }
}

export type Operation = { method: string; path: string }

/** Every route that the gateway describes. */
export async function listOperations(call: ApiTest['call']): Promise<Operation[]> {
  const { json } = await call('GET', '/docs/json')
  const paths = json.paths as Record<string, Record<string, unknown>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
  )
}

/** The answer as another caller would compare it: all but the id of the request. */
export function withoutRequestId({ status, text }: Answer): string {
  return `${status} ${text.replace(/"request_id":"[0-9a-f-]{36}"/, '')}`
}
