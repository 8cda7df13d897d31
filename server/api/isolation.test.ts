// Three clients do as they like, also with names of one another's things: each sees and changes its own only.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ApiTest, openApiTest, type TestClient, withoutRequestId } from './test-support.ts'

const providers = ['openai', 'exa', 'gemini'] as const
const clientCount = 3

/** A client, what it does, and whose thing it names. */
type Step = {
  who: number
  whose: number
  provider: (typeof providers)[number]
  act: 'save' | 'remove' | 'list' | 'list keys' | 'make key' | 'revoke key' | 'stop call'
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(clientCount - 1),
  whose: fc.nat(clientCount - 1),
  provider: fc.constantFrom(...providers),
  act: fc.constantFrom('save', 'remove', 'list', 'list keys', 'make key', 'revoke key', 'stop call'),
})

/** What one client has, as it should be. */
type Holder = TestClient & {
  deviceToken: string
  callId: string
  provided: Map<string, string>
  keyIds: number[]
}

async function makeHolder(gateway: ApiTest, name: string): Promise<Holder> {
  const client = await gateway.makeClient(name)
  const device = await gateway.makeDevice(client.id, `pi_${name}`)
  const deviceToken = await gateway.authenticate(device)
  const callId = `call-of-${name}`
  await gateway.database.query(
    `insert into vapi_calls (call_id, client_id, device_pk) select $1, client_id, id from devices where client_id = $2`,
    [callId, client.id],
  )
  return { ...client, deviceToken, callId, provided: new Map(), keyIds: [client.keyId] }
}

async function take(gateway: ApiTest, holders: Holder[], step: Step, round: number): Promise<void> {
  const [me, other] = [holders[step.who], holders[step.whose]]
  if (!me || !other) throw new Error('a step names nobody')
  const { provider } = step
  const call = (method: string, path: string, body?: unknown) =>
    gateway.call(method, path, { token: me.apiKey, ...(body ? { body } : {}) })
  switch (step.act) {
    case 'save': {
      const api_key = `${me.externalId}-${provider}-${String(round).padStart(8, '0')}`
      const saved = await call('PUT', `/api/provider-keys/${provider}`, { api_key })
      assert.equal(saved.status, 200)
      me.provided.set(provider, api_key)
      return
    }
    case 'remove': {
      const removed = await call('DELETE', `/api/provider-keys/${provider}`)
      assert.equal(removed.status, me.provided.delete(provider) ? 204 : 404)
      return
    }
    case 'list':
      return assertProvided(gateway, me)
    case 'list keys': {
      const answer = await call('GET', `/api/clients/${other.id}/keys`)
      const absent = await call('GET', '/api/clients/999999/keys')
      if (me === other) assert.equal(answer.json.total, me.keyIds.length)
      else assert.equal(withoutRequestId(answer), withoutRequestId(absent))
      return
    }
    case 'make key':
      me.keyIds.push((await gateway.makeKey(me.id)).id)
      return
    case 'revoke key': {
      const [, ...spare] = me.keyIds
      const id = spare.at(-1)
      if (id !== undefined) await gateway.admin('POST', `/keys/${id}/revoke`)
      return
    }
    case 'stop call': {
      // Its own would be stopped at VAPI, where no key is set.
      const stop = (callId: string) =>
        gateway.call('POST', '/vapi/stop', { token: me.deviceToken, body: { call_id: callId } })
      const answer = await stop(other.callId)
      if (me === other) assert.equal(answer.error?.code, 'provider_key_missing')
      else assert.equal(withoutRequestId(answer), withoutRequestId(await stop('call-of-nobody')))
    }
  }
}

async function assertProvided(gateway: ApiTest, me: Holder): Promise<void> {
  const { json } = await gateway.call('GET', '/api/provider-keys', { token: me.apiKey })
  const shown = (json.items as { provider: string; last4: string }[]).map(({ provider, last4 }) => [
    provider,
    last4,
  ])
  const expected = [...me.provided].map(([provider, key]) => [provider, key.slice(-4)])
  assert.deepEqual(shown, expected.sort())
  for (const provider of providers) {
    const key = await gateway.vault.openKey(me.id, provider)
    assert.equal(key?.reveal() ?? null, me.provided.get(provider) ?? null)
  }
}

test('whatever three clients do, each sees and changes its own, and foreign looks like absent', async (t) => {
  const gateway = await openApiTest(t)
  const holders = [
    await makeHolder(gateway, 'one'),
    await makeHolder(gateway, 'two'),
    await makeHolder(gateway, 'three'),
  ]
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const step of steps) await take(gateway, holders, step, round++)
      for (const holder of holders) await assertProvided(gateway, holder)
    }),
    { numRuns: 25, endOnFailure: true },
  )
})
