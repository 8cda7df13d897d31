// End users and their own provider keys: however calls of many users interleave, each goes out on exactly its user's key.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { UsageAnswer } from '@sallyport/contract'
import { call } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { jsonCall } from './support/gateway.ts'
import { type Issuer, startIssuer } from './support/issuer.ts'
import { type KeyUpstream, startKeyUpstream } from './support/key-upstream.ts'
import { openScope } from './support/scope.ts'
import { type Storage, sharedStorage, storageMatrix } from './support/storage.ts'

const operatorKey = 'AIza-key-of-the-operator-0123456789'
const dotEnv = `# the operator's\nGEMINI_API_KEY=${operatorKey}\n`
const models = '/proxy/gemini/v1beta/models/gemini-2.5-flash'
const callsOfEach = 6

type User = { name: string; token: string; key: string; tokensPerCall: number }
type Case = { storage: Storage | undefined; count: number }

const cases: readonly Case[] = [
  { storage: storageMatrix[0], count: 1 },
  { storage: sharedStorage[1], count: 2 },
]

for (const { storage, count } of cases) {
  const options = { skip: storage?.options.skip ?? false }
  describe(`${count} gateway(s) on ${storage?.name}`, options, () => {
    const scope = openScope({ after })
    let fleet: Fleet
    let issuer: Issuer
    let upstream: KeyUpstream
    before(async () => {
      issuer = await startIssuer(scope)
      upstream = await startKeyUpstream(scope)
      fleet = await startFleet(scope, {
        ...{ storage, count, dotEnv },
        env: {
          ...{ OIDC_ISSUER: issuer.url, USERS_NEW_PER_MINUTE: '0', DEPLOY_ENV: 'production' },
          GEMINI_BASE_URL: upstream.url,
        },
      })
    })
    const gatewayOf = (turn: number) => fleet.gateways[turn % fleet.gateways.length] ?? fleet.gateways[0]

    async function enrol(name: string, tokensPerCall = 0): Promise<User> {
      const key = `AIza-own-key-of-${name}-0123456789`
      const user = { name, token: await issuer.sign(name), key, tokensPerCall }
      const authorization = `Bearer ${user.token}`
      const order = jsonCall('PUT', { api_key: user.key }, { authorization })
      const answer = await call(`${gatewayOf(0).url}/api/provider-keys/gemini`, order)
      assert.equal(answer.status, 200, answer.text)
      return user
    }

    function generate(user: Pick<User, 'token'>, text: string, turn = 0) {
      const verb = turn % 2 === 0 ? 'generateContent' : 'streamGenerateContent?alt=sse'
      const order = jsonCall('POST', { contents: [{ parts: [{ text }] }] }, carry(user.token, turn))
      return call(`${gatewayOf(turn).url}${models}:${verb}`, order)
    }

    test('every upstream call of fifty users at once carries its own user’s key, every answer comes back to its user, and none is billed to another', async () => {
      const users = await Promise.all(
        Array.from({ length: 50 }, (_, index) => enrol(`user-${index}`, 100 + index)),
      )
      const turns = users.flatMap((user) =>
        Array.from({ length: callsOfEach }, (_, turn) => ({
          user,
          turn,
          text: `${user.name} asks ${turn};`.padEnd(user.tokensPerCall, '.'),
        })),
      )
      turns.sort(() => Math.random() - 0.5)
      await Promise.all(
        turns.map(async ({ user, turn, text }) => {
          const answer = await generate(user, text, turn)
          assert.equal(answer.status, 200, answer.text)
          assert.ok(answer.text.includes(text), 'its own answer')
          assert.ok(!answer.text.includes(user.key))
        }),
      )
      const keyOf = new Map(users.map(({ name, key }) => [name, key]))
      assert.equal(upstream.asked.length, 50 * callsOfEach)
      for (const { keys, text } of upstream.asked) {
        assert.deepEqual(keys, [keyOf.get(text.split(' ')[0] ?? '')], text)
      }
      assert.ok(upstream.inWorkMax() > 10, 'the calls really ran beside each other')
      for (const user of users) await expectOwnUsage(user)
      const list = await fleet.gateways[0].admin('GET', '/users?page_size=200')
      assert.equal((list.json() as { total: number }).total, 50)
      for (const gateway of fleet.gateways) {
        for (const { key, token } of users) {
          assert.ok(!gateway.output().includes(key) && !gateway.output().includes(token))
        }
      }
    })

    async function expectOwnUsage({ token, tokensPerCall }: User): Promise<void> {
      const headers = { authorization: `Bearer ${token}` }
      const usage = await eventually('the user’s calls in the ledger', async () => {
        const answer = await call(`${fleet.gateways[0].url}/api/usage`, { headers })
        const page = answer.json() as UsageAnswer
        return page.total >= callsOfEach ? page : null
      })
      assert.deepEqual(usage.totals, { calls: callsOfEach, cost_micros: 0 })
      assert.equal(new Set(usage.items.map(({ client_id }) => client_id)).size, 1)
      for (const event of usage.items) {
        assert.deepEqual([event.tokens_in, event.flags], [tokensPerCall, ['own_key']])
        assert.ok(
          (event.provider_cost_micros ?? 0) > 0,
          'what the user pays to the provider stands beside it',
        )
      }
    }

    test('a user without a key is told so and never served by the operator’s, unless the admin lets it', async () => {
      const token = await issuer.sign('keyless')
      const before = upstream.asked.length
      for (let turn = 0; turn < 6; turn++) {
        assert.equal((await generate({ token }, 'hello', turn)).code, 'provider_key_missing')
      }
      const gateway = fleet.gateways[0]
      const order = jsonCall('POST', { topic: 'hello' }, { authorization: `Bearer ${token}` })
      const text = await call(`${gateway.url}/api/blog/generate`, order)
      assert.deepEqual([text.status, text.code], [400, 'provider_key_missing'])
      const noKey = { provider: 'gemini', api_key: 'x'.repeat(1024 * 1024) }
      const saved = jsonCall('POST', noKey, { authorization: `Bearer ${token}` })
      const refused = await call(`${gateway.url}/api/onboarding/api-keys`, saved)
      assert.deepEqual([refused.status, refused.code], [400, 'malformed_request'])
      assert.equal(upstream.asked.length, before)
      assert.equal(await readFile(join(gateway.folder, '.env'), 'utf8'), dotEnv, 'read, never written')
      const list = await gateway.admin('GET', '/users?q=keyless')
      const [user] = (list.json() as { items: { id: number }[] }).items
      const allow = (shared_keys: boolean) => gateway.admin('PATCH', `/clients/${user?.id}`, { shared_keys })
      assert.equal((await allow(true)).status, 200)
      assert.equal((await generate({ token }, 'hello')).status, 200)
      assert.deepEqual(upstream.asked.at(-1)?.keys, [operatorKey])
      await allow(false)
      assert.equal((await generate({ token }, 'hello')).code, 'provider_key_missing')
    })

    test('a new own key and a removal hold from the next call on', async () => {
      const user = await enrol('changing')
      const path = `${fleet.gateways[0].url}/api/provider-keys/gemini`
      const headers = { authorization: `Bearer ${user.token}` }
      assert.equal((await generate(user, 'first')).status, 200)
      const api_key = 'AIza-second-key-of-changing-0123456789'
      assert.equal((await call(path, jsonCall('PUT', { api_key }, headers))).status, 200)
      assert.equal((await generate(user, 'second')).status, 200)
      assert.deepEqual(upstream.asked.at(-1)?.keys, [api_key])
      assert.equal((await call(path, { method: 'DELETE', headers })).status, 204)
      assert.equal((await generate(user, 'third')).code, 'provider_key_missing')
    })

    test('pass-through never takes a user token, valid or not, wherever it is carried', async () => {
      const { received } = fleet.upstream
      const good = await issuer.sign('user-1')
      const expired = await issuer.sign('user-1', { claims: { exp: 1 } })
      const [head, payload] = good.split('.')
      const tokens = [good, expired, `${head}.${payload}.AAAA`, `${head}.${payload}.`]
      for (const token of tokens) {
        const inQuery = { path: `/v1/models?key=${token}`, headers: {} }
        const inHeaders = carriers.map((carry) => ({ path: '/v1/models', headers: carry(token) }))
        for (const { path, headers } of [inQuery, ...inHeaders]) {
          const answer = await call(`${fleet.gateways[0].url}${path}`, { headers })
          assert.deepEqual([answer.status, answer.code], [403, 'wrong_credential'], JSON.stringify(headers))
        }
      }
      assert.equal(received.length, 0)
    })

    test('a bad user token opens no provider: 401, and nothing goes out', async () => {
      const before = upstream.asked.length
      const good = await issuer.sign('user-1')
      for (const token of [
        await issuer.sign('user-1', { claims: { exp: 1 } }),
        await issuer.sign('user-1', { claims: { iss: 'https://evil.example' } }),
        `${good.slice(0, -6)}AAAAAA`,
      ]) {
        for (let turn = 0; turn < carriers.length; turn++) {
          assert.equal((await generate({ token }, 'x', turn)).code, 'invalid_credential')
        }
      }
      assert.equal(upstream.asked.length, before)
    })
  })
}

type Carry = (token: string) => Record<string, string>
/** Where a call to Gemini may carry its credential. */
const carriers: readonly Carry[] = [
  (token) => ({ authorization: `Bearer ${token}` }),
  (token) => ({ 'x-goog-api-key': token }),
  (token) => ({ 'x-api-key': token }),
]

function carry(token: string, turn: number): Record<string, string> {
  return carriers[turn % carriers.length]?.(token) ?? {}
}
