// Rules of bindings: one spelling, checked with a remedy, and compiled to what they say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '@sallyport/contract'
import { type IpAddress, parseIpAddress } from '../lib/ip-address.ts'
import type { BindingRule } from './bindings.ts'
import { checkRule, compileRule, firstUseRule } from './rule.ts'

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text)
  assert.ok(parsed, text)
  return parsed
}

test('a rule is kept in one spelling, without doubles', () => {
  assert.deepEqual(
    checkRule({ mode: 'multiple', allowedIps: ['10.1.2.3/8', '10.0.0.0/8', '::ffff:1.2.3.4', '1.2.3.4/32'] }),
    {
      mode: 'multiple',
      allowedIps: ['10.0.0.0/8', '1.2.3.4'],
    },
  )
})

test('a wrong rule is refused with its entry and the remedy', () => {
  const table: [BindingRule, RegExp][] = [
    [
      { mode: 'single', allowedIps: ['10.0.0.300'] },
      /"10\.0\.0\.300" is neither an IP address nor a CIDR such as/,
    ],
    [{ mode: 'single', allowedIps: [] }, /needs at least one address/],
    [{ mode: 'single', allowedIps: ['1.1.1.1', '2.2.2.2'] }, /use mode "multiple"/],
    [{ mode: 'multiple', allowedIps: [] }, /needs at least one address/],
    [{ mode: 'all', allowedIps: ['1.1.1.1'] }, /leave allowed_ips empty/],
  ]
  for (const [rule, message] of table) {
    assert.throws(
      () => checkRule(rule),
      (error) => error instanceof AppError && error.status === 400 && message.test(error.message),
    )
  }
})

test('a compiled rule allows what it names and nothing else', () => {
  const table: [BindingRule, string[], string[]][] = [
    [{ mode: 'single', allowedIps: ['203.0.113.7'] }, ['203.0.113.7'], ['203.0.113.8', '::1']],
    [{ mode: 'single', allowedIps: ['10.0.0.0/8'] }, ['10.255.0.1'], ['11.0.0.1']],
    [
      { mode: 'multiple', allowedIps: ['1.1.1.1', '2001:db8::/64'] },
      ['1.1.1.1', '2001:db8::9'],
      ['1.1.1.2', '2001:db8:0:1::9'],
    ],
    [{ mode: 'all', allowedIps: [] }, ['1.1.1.1', '::1'], []],
  ]
  for (const [rule, inside, outside] of table) {
    const allows = compileRule(rule)
    for (const text of inside) assert.equal(allows(address(text)), true, text)
    for (const text of outside) assert.equal(allows(address(text)), false, text)
  }
})

test('a first use binds an IPv4 address alone and the network around an IPv6 one', () => {
  assert.deepEqual(firstUseRule(address('203.0.113.7'), 64).allowedIps, ['203.0.113.7'])
  assert.deepEqual(firstUseRule(address('2001:db8:0:1:aaaa::9'), 64).allowedIps, ['2001:db8:0:1::/64'])
  assert.deepEqual(firstUseRule(address('2001:db8::9'), 128).allowedIps, ['2001:db8::9'])
})
