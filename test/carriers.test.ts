// One key is one binding, however it is spelled and wherever it is carried; our own credentials never go through.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { call } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { openScope } from './support/scope.ts'
import { newToken } from './support/tokens.ts'

type Carried = { path?: string; headers?: Record<string, string> }

const carriers: [name: string, carry: (token: string) => Carried][] = [
  ['Authorization: Bearer', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
  ['Authorization without a prefix', (token) => ({ headers: { authorization: token } })],
  ['x-api-key', (token) => ({ headers: { 'x-api-key': token } })],
  ['x-goog-api-key', (token) => ({ headers: { 'x-goog-api-key': token } })],
  ['mj-api-secret', (token) => ({ headers: { 'mj-api-secret': token } })],
  ['?key=', (token) => ({ path: `/v1/models?key=${token}` })],
  ['?key= percent-encoded', (token) => ({ path: `/v1/models?key=${token.replace('-', '%2D')}` })],
  [
    'Sec-WebSocket-Protocol',
    (token) => ({ headers: { 'sec-websocket-protocol': `realtime, openai-insecure-api-key.${token}` } }),
  ],
  ['a whole Sec-WebSocket-Protocol', (token) => ({ headers: { 'sec-websocket-protocol': token } })],
]

describe('credential carriers', () => {
  const scope = openScope({ after })
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope, { env: { BIND_NEW_PER_MINUTE: '0' } })
  })
  const use = (address: string, { path = '/v1/models', headers = {} }: Carried) =>
    call(`${fleet.gateways[0].url}${path}`, { headers: { ...headers, 'x-real-ip': address } })
  const bindingCount = async () =>
    ((await fleet.gateways[0].admin('GET', '/bindings')).json() as { total: number }).total

  for (const [name, carry] of carriers) {
    test(`a token in ${name} is bound, and stays bound in every other carrier and spelling`, async () => {
      const before = await bindingCount()
      const token = newToken()
      assert.equal((await use('203.0.113.7', carry(token))).status, 200)
      const bare = token.slice('sk-'.length)
      for (const [other, carryOther] of carriers) {
        for (const spelling of [token, bare, `${token}-7`]) {
          const stolen = await use('203.0.113.8', carryOther(spelling))
          assert.deepEqual([stolen.status, stolen.code], [403, 'ip_not_allowed'], `${spelling} in ${other}`)
        }
        assert.equal((await use('203.0.113.7', carryOther(bare))).status, 200, other)
      }
      assert.equal(await bindingCount(), before + 1)
    })
  }

  test('the same token twice is one credential, two different ones are refused', async () => {
    const [token, other] = [newToken(), newToken()]
    const both = { headers: { authorization: `Bearer ${token}`, 'x-api-key': token.slice(3) } }
    assert.equal((await use('203.0.113.7', both)).status, 200)
    for (const [name, carry] of carriers.slice(2)) {
      const carried = carry(other)
      const headers = { ...carried.headers, authorization: `Bearer ${token}` }
      const answer = await use('203.0.113.7', { ...carried, headers })
      assert.deepEqual([answer.status, answer.code], [400, 'conflicting_credentials'], name)
    }
  })

  test('no credential is refused with 401 and reaches nobody', async () => {
    const heard = fleet.upstream.received.length
    for (const headers of [{}, { authorization: 'Bearer ' }]) {
      const answer = await use('203.0.113.7', { headers })
      assert.deepEqual([answer.status, answer.code], [401, 'credential_missing'])
    }
    assert.equal(fleet.upstream.received.length, heard)
  })

  test('credentials of Sallyport itself are refused, valid or not, and never forwarded', async () => {
    const heard = fleet.upstream.received.length
    const adminToken = await fleet.gateways[0].login()
    const own = [adminToken, `sp_${'a'.repeat(64)}`, 'sp_short', `spadm_${'b'.repeat(43)}`, deviceTokenLike()]
    for (const credential of own) {
      // The last carrier counts only for values that look like a token of New API.
      for (const [name, carry] of carriers.slice(0, -1)) {
        const answer = await use('203.0.113.7', carry(credential))
        assert.deepEqual([answer.status, answer.code], [403, 'wrong_credential'], `${credential} in ${name}`)
      }
    }
    assert.equal(fleet.upstream.received.length, heard)
  })

  test('a binding that the upstream answers with 401 at its first use is taken back', async () => {
    const before = await bindingCount()
    const rejected = { headers: { authorization: 'Bearer rejected-by-the-upstream' } }
    assert.equal((await use('203.0.113.7', rejected)).status, 401)
    await eventually('the binding taken back', async () => (await bindingCount()) === before)
  })
})

function deviceTokenLike(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ type: 'device_token', sub: 'd1' })}.c2lnbmF0dXJl`
}
