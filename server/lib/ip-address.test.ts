// Addresses and networks: strictly read, one spelling each.
import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRangeMatcher, parseIpAddress, parseIpRange, rangeAround } from './ip-address.ts'

test('an address has one spelling', () => {
  const table: [string, string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::', '2001:db8::'],
    ['::', '::'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ]
  for (const [text, canonical] of table) assert.equal(parseIpAddress(text)?.text, canonical, text)
})

test('what is not exactly one address is refused', () => {
  const texts = [
    '',
    ' ',
    '1.2.3',
    '127.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '1.2.3.4:80',
    '[::1]',
    '::1%eth0',
    'fe80::1%1',
    '1.2.3.4, 5.6.7.8',
    '1.2.3.4 ',
    '256.1.1.1',
    'localhost',
    '1.2.3.4/32',
    '::ffff:1.2.3.4.5',
    '١.٢.٣.٤',
  ]
  for (const text of texts) assert.equal(parseIpAddress(text), null, JSON.stringify(text))
})

test('a network loses its host bits and a full prefix', () => {
  const table: [string, string][] = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['203.0.113.7/32', '203.0.113.7'],
    ['203.0.113.255/31', '203.0.113.254/31'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['2001:db8::1/128', '2001:db8::1'],
  ]
  for (const [text, canonical] of table) assert.equal(parseIpRange(text)?.text, canonical, text)
  for (const text of [
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '2001:db8::/129',
    '::ffff:10.0.0.0/104',
    '10.0.0.0/8/8',
  ]) {
    assert.equal(parseIpRange(text), null, text)
  }
})

test('reading its own spelling changes nothing, for any address', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const once = parseIpAddress(text)
      assert.ok(once, text)
      assert.equal(isIP(once.text), once.family)
      assert.deepEqual(parseIpAddress(once.text), once)
    }),
  )
})

test('a range around an address covers it, and a matcher of other ranges does not', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 128 }), (text, prefix) => {
      const address = parseIpAddress(text)
      assert.ok(address)
      const bits = address.family === 4 ? Math.min(prefix, 32) : prefix
      const range = rangeAround(address, bits)
      assert.equal(createRangeMatcher([range])(address), true)
      assert.equal(createRangeMatcher([])(address), false)
      assert.equal(parseIpRange(range.text)?.text, range.text)
    }),
  )
})
