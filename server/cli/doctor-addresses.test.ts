// Tests of doctor's look at listener, public address and trusted proxies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpRange } from '../lib/ip-address.ts'
import { type AddressConfig, checkAddresses } from './doctor-addresses.ts'

const behindProxy: AddressConfig = {
  appPort: 7000,
  host: '127.0.0.1',
  publicUrl: 'https://gateway.example.com',
  trustedProxyIps: [{ text: '127.0.0.1', family: 4, prefix: 32 }],
  downstreamUrl: 'http://new-api:3000',
  bindingMode: 'enforce',
  failsafeMode: 'closed',
}

function rangesOf(...texts: string[]): AddressConfig['trustedProxyIps'] {
  return texts.flatMap((text) => parseIpRange(text) ?? [])
}

function textsOf(change: Partial<AddressConfig>): string {
  return checkAddresses({ ...behindProxy, ...change })
    .map(({ level, text }) => `${level}: ${text}`)
    .join('\n')
}

test('a gateway on loopback behind a listed proxy with TLS, and one on loopback alone, are well', () => {
  assert.match(textsOf({}), /^ok: listener 127\.0\.0\.1/)
  assert.match(textsOf({ publicUrl: null, trustedProxyIps: [] }), /^ok: /)
})

test('plain HTTP on a public address is warned of', () => {
  for (const publicUrl of [null, 'http://gateway.example.com']) {
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      assert.match(textsOf({ host, publicUrl }), /^warning: plain HTTP on /m)
    }
  }
  assert.doesNotMatch(textsOf({ host: '0.0.0.0' }), /plain HTTP/)
  assert.doesNotMatch(textsOf({ host: '::1', publicUrl: null }), /plain HTTP/)
})

test('trusting nearly everyone is warned of, trusting own networks is not', () => {
  for (const text of ['0.0.0.0/0', '::/0', '0.0.0.0/1']) {
    assert.match(textsOf({ trustedProxyIps: rangesOf('127.0.0.1', text) }), /nearly anyone may then claim/)
  }
  assert.match(textsOf({ trustedProxyIps: rangesOf('10.0.0.0/8', 'fd00::/16') }), /^ok: /)
})

test('a proxy in front that is not trusted is warned of', () => {
  assert.match(textsOf({ trustedProxyIps: [] }), /all clients appear with the address of the proxy/)
  assert.match(textsOf({ trustedProxyIps: [], host: '0.0.0.0' }), /all clients appear with the address/)
})

test('a public address that only this machine can reach is warned of', () => {
  const change = { host: '0.0.0.0', publicUrl: 'https://localhost' }
  assert.match(textsOf(change), /^warning: PUBLIC_URL is https:\/\/localhost, which only this machine/m)
})

test('a downstream that is the gateway itself is a failure', () => {
  for (const downstreamUrl of [
    'http://127.0.0.1:7000',
    'http://localhost:7000/v1',
    'https://gateway.example.com',
  ]) {
    assert.match(textsOf({ downstreamUrl }), /^failure: .* is this gateway itself/m)
  }
  for (const downstreamUrl of ['http://127.0.0.1:3000', 'http://new-api:7000', null]) {
    assert.doesNotMatch(textsOf({ downstreamUrl }), /itself/)
  }
})

test('modes that let calls through unchecked are told', () => {
  assert.match(textsOf({ bindingMode: 'observe' }), /^warning: BINDING_MODE is observe/m)
  assert.match(textsOf({ failsafeMode: 'open' }), /^warning: SENTINEL_FAILSAFE_MODE is open/m)
})
