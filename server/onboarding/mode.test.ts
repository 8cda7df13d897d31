// Which mode is chosen, and that development mode serves nobody but the person at this machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpRange } from '../lib/ip-address.ts'
import { Secret } from '../lib/secret.ts'
import { type ArrivedRequest, chooseMode, createDevelopmentGuard, type ModeConfig } from './mode.ts'

test('each DEBUG with each DEPLOY_ENV chooses its mode', () => {
  const table: [boolean, string | null, string][] = [
    [true, null, 'development'],
    [true, 'render', 'development'],
    [false, null, 'development'],
    [false, 'render', 'production'],
    [false, 'development', 'production'],
  ]
  for (const [debug, deployEnv, mode] of table) assert.equal(chooseMode({ debug, deployEnv }), mode)
})

const config: ModeConfig = {
  ...{ debug: false, deployEnv: null, host: '127.0.0.1', publicUrl: null, trustedProxyIps: [], pgDsn: null },
  corsOrigins: ['http://localhost:3000', 'https://app.example.com'],
}
const request: ArrivedRequest = {
  ...{ httpVersion: '1.1', peer: '127.0.0.1' },
  headers: { host: 'localhost:7000', 'content-type': 'application/json' },
}
const codeOf = (changes: Partial<ModeConfig>, arrived: Partial<ArrivedRequest> = {}) =>
  createDevelopmentGuard({ ...config, ...changes })({ ...request, ...arrived })?.code ?? null
const withHeader = (headers: Record<string, string>) =>
  codeOf({}, { headers: { ...request.headers, ...headers } })

test('a configuration that serves others serves nobody in development mode', () => {
  const range = parseIpRange('127.0.0.1/32')
  assert.ok(range)
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
    assert.equal(codeOf({ host }), null, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com']) {
    assert.equal(codeOf({ host }), 'mode_not_chosen', host)
  }
  assert.equal(codeOf({ publicUrl: 'https://gateway.example.com' }), 'mode_not_chosen')
  assert.equal(codeOf({ trustedProxyIps: [range] }), 'mode_not_chosen')
  assert.equal(codeOf({ pgDsn: new Secret('postgresql://db/x') }), 'mode_not_chosen')
})

test('a request that was not made at this machine is refused', () => {
  for (const peer of ['10.0.0.9', '203.0.113.1', '2001:db8::1'])
    assert.equal(codeOf({}, { peer }), 'mode_not_chosen')
  assert.equal(codeOf({}, { peer: '::1' }), null)
  assert.equal(codeOf({}, { httpVersion: '1.0' }), 'mode_not_chosen')
  for (const host of [
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1@evil.example',
    '[::2]',
    'localhost:1:2',
  ]) {
    assert.equal(withHeader({ host }), 'mode_not_chosen', host)
  }
  for (const host of ['localhost', '127.0.0.1:7000', '[::1]:7000', 'LOCALHOST:1'])
    assert.equal(withHeader({ host }), null)
  const forwarding = [
    'x-forwarded-for',
    'x-forwarded-host',
    'forwarded',
    'via',
    'x-real-ip',
    'cf-connecting-ip',
    'true-client-ip',
  ]
  for (const name of forwarding) assert.equal(withHeader({ [name]: '127.0.0.1' }), 'mode_not_chosen', name)
})

test('a page of another origin and a body that a page can send unasked are refused', () => {
  for (const origin of ['http://localhost:7000', 'http://localhost:3000'])
    assert.equal(withHeader({ origin }), null, origin)
  for (const origin of ['null', 'https://app.example.com', 'http://localhost:9999', 'https://evil.example']) {
    assert.equal(withHeader({ origin }), 'mode_not_chosen', origin)
  }
  assert.equal(withHeader({ 'sec-fetch-site': 'cross-site' }), 'mode_not_chosen')
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonx',
  ]) {
    assert.equal(withHeader({ 'content-type': type }), 'mode_not_chosen', type)
  }
  assert.equal(withHeader({ 'content-type': 'application/json; charset=utf-8' }), null)
})
