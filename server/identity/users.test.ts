// End users as clients: one row for each (issuer, subject), never an admin's client, suspended like any other, bounded in number.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startIssuer } from '../../test/support/issuer.ts'
import { type IpAddress, parseIpAddress } from '../lib/ip-address.ts'
import type { CallerIdentity } from './caller-identity.ts'
import { countAcceptedAfter, openRoom } from './test-support.ts'

function addressOf(text: string): IpAddress {
  const address = parseIpAddress(text)
  assert.ok(address)
  return address
}
const address = addressOf('192.0.2.1')

async function open(t: TestContext, usersNewPerMinute = 0) {
  const closers: (() => Promise<unknown>)[] = []
  const issuer = await startIssuer({ defer: (close) => closers.push(close) })
  const wishes = { oidcIssuer: issuer.url, usersNewPerMinute }
  const room = await openRoom(t, { config: wishes })
  t.after(async () => {
    for (const close of closers) await close()
  })
  const sign = (subject: string, claims: Record<string, unknown> = {}) =>
    issuer.sign(subject, { issuedAtMs: room.clock.now(), claims })
  const rows = async () => {
    const { rows } = await room.store.database.query<{ id: number; external_id: string; subject: string }>(
      'select id, external_id, subject from clients where issuer is not null order by id',
    )
    return rows
  }
  const enter = async (token: string, at: CallerIdentity = room, from = address) =>
    await at.authenticateUserToken(token, from)
  return { issuer, room, sign, rows, enter, wishes }
}

test('fifty first calls at once on two processes make one client', async (t) => {
  const { room, sign, rows, enter, wishes } = await open(t)
  const second = await room.openSecond(wishes)
  const tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => sign('ada', { n })))
  const found = await Promise.all(tokens.map((token, n) => enter(token, n % 2 ? room : second)))
  assert.equal((await rows()).length, 1)
  assert.equal(new Set(found.map((principal) => principal?.clientId)).size, 1)
  assert.ok(found[0]?.clientId)
})

test('a subject equal to a customer’s external_id, email or id is not that customer', async (t) => {
  const { room, sign, rows, enter } = await open(t)
  const input = { name: 'Acme', email: 'security@acme.com', external_id: 'acme' }
  const { client } = await room.clients.create(input, room.record)
  for (const subject of ['acme', 'security@acme.com', String(client.id), `user:${client.id}`]) {
    const claims = { email: 'security@acme.com', name: 'Acme', customer_id: 'acme', client_id: client.id }
    const principal = await enter(await sign(subject, claims))
    assert.ok(principal)
    assert.notEqual(principal.clientId, client.id)
    assert.notEqual(principal.customerId, 'acme')
    assert.equal(principal.maySpendShared, false)
  }
  assert.equal((await rows()).length, 4)
  assert.equal(new Set((await rows()).map((row) => row.external_id)).size, 4)
  for (const row of await rows()) assert.match(row.external_id, /^user:[0-9a-f-]{36}$/)
})

test('subjects that differ in letter case or blanks are different users', async (t) => {
  const { sign, rows, enter } = await open(t)
  for (const subject of ['ada', 'Ada', 'ada ', ' ada', 'ADA']) {
    assert.equal((await enter(await sign(subject)))?.userId, subject)
  }
  assert.equal((await rows()).length, 5)
})

test('the same subject of another issuer is another client', async (t) => {
  const { room, sign, rows, enter } = await open(t)
  const first = await enter(await sign('ada'))
  const closers: (() => Promise<unknown>)[] = []
  const other = await startIssuer({ defer: (close) => closers.push(close) })
  const second = await room.openSecond({ oidcIssuer: other.url, usersNewPerMinute: 0 })
  const found = await enter(await other.sign('ada', { issuedAtMs: room.clock.now() }), second)
  assert.ok(first && found)
  assert.notEqual(found.clientId, first.clientId)
  assert.equal((await rows()).length, 2)
  assert.equal(await enter(await sign('ada'), second), null, 'one issuer at a time')
  for (const close of closers) await close()
})

test('a suspended user is refused from the next call on, tokens of before and new ones, until reactivated', async (t) => {
  const { room, sign, rows, enter } = await open(t)
  const token = await sign('ada')
  const principal = await enter(token)
  assert.ok(principal)
  const suspend = () => room.clients.suspend(principal.clientId, room.record)
  assert.equal(await countAcceptedAfter(() => enter(token), suspend), 0)
  assert.equal(await enter(await sign('ada', { fresh: true })), null)
  assert.equal((await rows()).length, 1, 'and comes back as nobody else')
  await room.clients.reactivate(principal.clientId, room.record)
  assert.equal((await enter(token))?.clientId, principal.clientId)
})

test('shared keys are for users whom the admin let, from the next call on', async (t) => {
  const { room, sign, enter } = await open(t)
  const token = await sign('ada')
  const principal = await enter(token)
  assert.equal(principal?.maySpendShared, false)
  await room.clients.update(principal.clientId, { shared_keys: true }, room.record)
  assert.equal((await enter(token))?.maySpendShared, true)
  await room.clients.update(principal.clientId, { shared_keys: false }, room.record)
  assert.equal((await enter(token))?.maySpendShared, false)
})

test('a deleted user who calls again is a new client without anything of the former', async (t) => {
  const { room, sign, enter } = await open(t)
  const token = await sign('ada')
  const before = await enter(token)
  assert.ok(before)
  await room.clients.delete(before.clientId, room.record)
  const after = await enter(token)
  assert.ok(after)
  assert.notEqual(after.clientId, before.clientId)
  assert.notEqual(after.customerId, before.customerId)
})

test('one address brings only so many new users a minute; known users and other addresses are not held up', async (t) => {
  const { room, sign, rows, enter } = await open(t, 5)
  for (let n = 0; n < 5; n++) assert.ok(await enter(await sign(`user_${n}`)))
  await assert.rejects(async () => enter(await sign('user_5')), { code: 'too_many_new_users', status: 429 })
  assert.ok(await enter(await sign('user_0', { again: true })))
  assert.ok(await enter(await sign('user_6'), room, addressOf('192.0.2.2')))
  assert.equal((await rows()).length, 6)
  room.clock.advance(60_001)
  assert.ok(await enter(await sign('user_5')))
})

test('claims are taken as names and addresses only when they are such', async (t) => {
  const { room, sign, enter } = await open(t)
  const cases: [Record<string, unknown>, { name: string; email: string | null }][] = [
    [{ name: '  Ada\u0000\nLovelace ' }, { name: 'Ada  Lovelace', email: null }],
    [
      { name: 7, preferred_username: 'ada', email: ['x'] },
      { name: 'ada', email: null },
    ],
    [{ name: '' }, { name: 'user_2', email: null }],
    [
      { name: 'x'.repeat(1000), email: `${'y'.repeat(300)}@example.com` },
      { name: 'x'.repeat(200), email: null },
    ],
    [{ email: 'ada@example.com' }, { name: 'ada@example.com', email: 'ada@example.com' }],
    [
      { name: '\ud800', email: 'ada@example.com', email_verified: false },
      { name: '\ufffd', email: null },
    ],
  ]
  for (const [index, [claims, expected]] of cases.entries()) {
    const principal = await enter(await sign(`user_${index}`, claims))
    assert.ok(principal)
    const client = await room.clients.get(principal.clientId)
    assert.deepEqual({ name: client?.name, email: client?.email }, expected)
  }
})

test('when a user was last seen is written at the end at the latest, and not for a refused call', async (t) => {
  const { room, sign, enter, wishes } = await open(t)
  const second = await room.openSecond(wishes)
  const principal = await enter(await sign('ada'), second)
  const id = principal?.clientId ?? 0
  room.clock.advance(1000)
  const seen = new Date(room.clock.now()).toISOString()
  const token = await sign('ada')
  await enter(token, second)
  await second.close()
  assert.equal((await room.users.get(id))?.last_seen_at, seen)
  await room.clients.suspend(id, room.record)
  room.clock.advance(1000)
  const third = await room.openSecond(wishes)
  assert.equal(await enter(token, third), null)
  await third.close()
  assert.equal((await room.users.get(id))?.last_seen_at, seen)
})
