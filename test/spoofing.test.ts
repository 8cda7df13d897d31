// The spoofing table: no header of a client moves the address that its token is bound to or judged by.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BindingItem } from '@sallyport/contract'
import { call } from './support/call.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { newToken } from './support/tokens.ts'

const proxy = '127.0.0.1'
/** Not in TRUSTED_PROXY_IPS; every address of 127.0.0.0/8 reaches us on Linux. */
const stranger = '127.0.0.2'
const forged = '203.0.113.66'

type Forgery = { name: string; headers: Record<string, string | string[]> }

/** Ways to claim another address; from a stranger each is ignored or the request is refused. */
const ignored: Forgery[] = [
  { name: 'X-Real-IP', headers: { 'X-Real-IP': forged } },
  { name: 'two X-Real-IP', headers: { 'X-Real-IP': [forged, stranger] } },
  { name: 'x-real-ip in lower case', headers: { 'x-real-ip': forged } },
  { name: 'X-REAL-IP in upper case', headers: { 'X-REAL-IP': forged } },
  { name: 'X-Forwarded-For', headers: { 'X-Forwarded-For': forged } },
  { name: 'X-Forwarded-For with a chain', headers: { 'X-Forwarded-For': `${forged}, ${proxy}` } },
  { name: 'Forwarded', headers: { Forwarded: `for=${forged}` } },
  { name: 'X-Client-IP', headers: { 'X-Client-IP': forged } },
  { name: 'CF-Connecting-IP', headers: { 'CF-Connecting-IP': forged } },
  { name: 'True-Client-IP', headers: { 'True-Client-IP': forged } },
  { name: 'Connection naming X-Real-IP', headers: { Connection: 'close, X-Real-IP', 'X-Real-IP': forged } },
  { name: 'Connection naming X-Forwarded-For', headers: { Connection: 'close, X-Forwarded-For' } },
]
const refusedAnywhere: Forgery[] = [
  { name: 'X_Real_IP', headers: { X_Real_IP: forged } },
  { name: 'X-Real_IP', headers: { 'X-Real_IP': forged } },
  { name: 'x_forwarded_for', headers: { x_forwarded_for: forged } },
]
/** Values that the trusted proxy may not send, whatever they mean. */
const badFromProxy: Forgery[] = [
  ...['', ' ', `${forged}, 198.51.100.1`, `${forged}:8080`, '[2001:db8::1]', 'fe80::1%eth0', 'unknown'],
  ...['0300.0.2.1', '203.0.113', '203.0.113.07', '2001:db8::g', '203.0.113.7/32', '::ffff:300.1.1.1'],
].map((value) => ({ name: `X-Real-IP "${value}"`, headers: { 'X-Real-IP': value } }))
badFromProxy.push({ name: 'two X-Real-IP', headers: { 'X-Real-IP': [forged, forged] } })

/** What the proxy may say, and the address or network that a first use then binds. */
const goodFromProxy: [value: string, bound: string][] = [
  [forged, forged],
  ['::ffff:198.51.100.3', '198.51.100.3'],
  ['::FFFF:C633:6404', '198.51.100.4'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
]

describe('the spoofing table', await needs('linux'), () => {
  const scope = openScope({ after })
  let fleet: Fleet
  before(async () => {
    fleet = await startFleet(scope, { env: { BIND_NEW_PER_MINUTE: '0' } })
  })

  const use = (localAddress: string, token: string, headers: Forgery['headers'] = {}) =>
    call(`${fleet.gateways[0].url}/v1/models`, {
      localAddress,
      headers: { ...headers, authorization: `Bearer ${token}` },
    })
  const bindings = async () => {
    const answer = await fleet.gateways[0].admin('GET', '/bindings?page_size=200')
    return (answer.json() as { items: BindingItem[] }).items
  }
  /** The rule of the binding made last. */
  const newestRule = async () =>
    (await bindings()).reduce((newest, item) => (item.id > newest.id ? item : newest)).allowed_ips
  /** Nothing but our own statement about the client, which is `address`, reaches the upstream. */
  const assertUpstreamHeard = (address: string) => {
    const heard = fleet.upstream.received.at(-1)
    assert.equal(heard?.headers['x-real-ip'], address)
    assert.equal(heard?.headers['x-forwarded-for'], address)
    assert.equal(heard?.headers.forwarded, undefined)
  }

  for (const { name, headers } of ignored) {
    test(`a stranger's ${name} neither binds nor moves an address`, async () => {
      const token = newToken()
      assert.equal((await use(stranger, token, headers)).status, 200)
      assert.deepEqual(await newestRule(), [stranger])
      assertUpstreamHeard(stranger)
      assert.equal((await use(stranger, token)).status, 200)
      assert.equal((await use('127.0.0.3', token, headers)).code, 'ip_not_allowed')
      const claimed = Object.fromEntries(Object.keys(headers).map((key) => [key, stranger]))
      if (!('Connection' in headers)) assert.equal((await use('127.0.0.3', token, claimed)).status, 403)
      assert.deepEqual(await newestRule(), [stranger])
    })
  }

  for (const { name, headers } of refusedAnywhere) {
    test(`${name} is refused from strangers and from the proxy, and binds nothing`, async () => {
      const [heard, bound] = [fleet.upstream.received.length, (await bindings()).length]
      for (const peer of [stranger, proxy]) {
        const answer = await use(peer, newToken(), headers)
        assert.deepEqual([answer.status, answer.code], [400, 'ambiguous_request'])
      }
      assert.deepEqual([fleet.upstream.received.length, (await bindings()).length], [heard, bound])
    })
  }

  for (const { name, headers } of badFromProxy) {
    test(`${name} from the proxy is refused and binds nothing`, async () => {
      const [heard, bound] = [fleet.upstream.received.length, (await bindings()).length]
      const answer = await use(proxy, newToken(), headers)
      assert.deepEqual([answer.status, answer.code], [400, 'bad_client_address'])
      assert.deepEqual([fleet.upstream.received.length, (await bindings()).length], [heard, bound])
    })
  }

  for (const [value, bound] of goodFromProxy) {
    test(`X-Real-IP ${value} from the proxy binds ${bound}`, async () => {
      const token = newToken()
      assert.equal((await use(proxy, token, { 'X-Real-IP': value })).status, 200)
      assert.deepEqual(await newestRule(), [bound])
      assert.equal((await use(proxy, token, { 'X-Real-IP': value })).status, 200)
      assert.equal((await use(stranger, token, { 'X-Real-IP': value })).status, 403)
    })
  }

  test('the proxy may add X-Forwarded-For: it is not read, and the upstream hears ours', async () => {
    const token = newToken()
    const headers = { 'X-Real-IP': '198.51.100.5', 'X-Forwarded-For': `${forged}, 198.51.100.5` }
    assert.equal((await use(proxy, token, headers)).status, 200)
    assert.deepEqual(await newestRule(), ['198.51.100.5'])
    assertUpstreamHeard('198.51.100.5')
  })

  test('a proxy that says nothing is itself the client', async () => {
    assert.equal((await use(proxy, newToken())).status, 200)
    assert.deepEqual(await newestRule(), [proxy])
  })

  test('another address of the same IPv6 /64 is let in, the next network is not', async () => {
    const token = newToken()
    assert.equal((await use(proxy, token, { 'X-Real-IP': '2001:db8:9:9::1' })).status, 200)
    assert.equal((await use(proxy, token, { 'X-Real-IP': '2001:db8:9:9:ffff::2' })).status, 200)
    assert.equal((await use(proxy, token, { 'X-Real-IP': '2001:db8:9:a::1' })).code, 'ip_not_allowed')
  })
})
