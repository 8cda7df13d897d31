// Bindings of our own credentials come and go in the transaction that makes or removes the credential.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openTestGateway } from '../admin/test-support.ts'
import { parseIpAddress } from '../lib/ip-address.ts'

const [home, elsewhere] = ['203.0.113.7', '198.51.100.9']
const digest = randomBytes(32).toString('base64url')

test('a credential is bound in the transaction that makes it or not at all, and unbound with its end', async (t) => {
  const { bindings, database } = await openTestGateway(t)
  const decide = async (text: string) => {
    const address = parseIpAddress(text)
    assert.ok(address)
    const call = { digest, tokenDisplay: 'x', address, method: 'POST', path: '/v1/x', requestId: 'r' }
    const decision = await bindings.decide(call)
    return decision.outcome === 'refused' ? decision.code : decision.outcome
  }
  const bind = (allowedIps: string[], then = async () => undefined) =>
    database.transaction(async (tx) => {
      await bindings.bindNew(tx, {
        digest,
        tokenDisplay: 'x',
        clientId: 7,
        rule: { mode: 'single', allowedIps },
      })
      await then()
    })
  await assert.rejects(bind(['not an address']), { code: 'malformed_request' })
  const fail = () => Promise.reject(new Error('the key could not be made'))
  await assert.rejects(bind([elsewhere], fail), /could not be made/)
  await bind([elsewhere])
  const { items } = await bindings.list({ page: 1, page_size: 20 })
  assert.deepEqual(
    items.map((item) => [item.client_id, item.allowed_ips]),
    [[7, [elsewhere]]],
  )
  assert.deepEqual([await decide(home), await decide(elsewhere)], ['ip_not_allowed', 'allowed'])
  await database.transaction((tx) => bindings.removeAll(tx, [digest]))
  // The notice of the removal makes this process forget it.
  while ((await decide(home)) !== 'allowed') await new Promise((resolve) => setImmediate(resolve))
})
