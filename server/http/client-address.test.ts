// Whose address a call has: the peer's, or the one value of a trusted proxy, strictly read.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { resolveClientAddress } from './client-address.ts'

const peer = { text: '192.0.2.1', family: 4 } as const
const resolve = (claimed: string | undefined, isTrusted = true) =>
  resolveClientAddress(peer, isTrusted, claimed === undefined ? {} : { 'x-real-ip': claimed })?.text

describe('a trusted proxy', () => {
  const good: [claimed: string, address: string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['2001:DB8::0:1', '2001:db8::1'],
  ]
  for (const [claimed, address] of good) {
    test(`says ${claimed}, which is ${address}`, () => assert.equal(resolve(claimed), address))
  }

  const bad = [
    '',
    ' ',
    '203.0.113.7, 203.0.113.7',
    '203.0.113.7:80',
    '[::1]',
    'fe80::1%eth0',
    '010.0.0.1',
    '127.1',
    'x',
  ]
  for (const claimed of bad) {
    test(`may not say ${JSON.stringify(claimed)}`, () => assert.equal(resolve(claimed), undefined))
  }

  test('that says nothing is itself the client', () => assert.equal(resolve(undefined), '192.0.2.1'))
})

test('any other peer is itself the client, whatever it says', () => {
  for (const claimed of ['203.0.113.7', '', 'x', undefined])
    assert.equal(resolve(claimed, false), '192.0.2.1')
})
