// Which paths are ours and which are passed on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAmbiguousPath, isOwnPath, isProxyPath } from './paths.ts'

test('routes of ours are never forwarded', () => {
  const paths = [
    '/health',
    '/health/ready',
    '/metrics',
    '/admin',
    '/admin/',
    '/admin/api/anything',
    '/admin/ui/',
    '/portal/x',
    '/proxy/openai/v1/models',
    '/docs',
    '/docs/json',
    '/api/usage',
    '/api/clients/7/keys',
    '/api/invoices/2025-W40-001',
    '/api/onboarding/step/3/skip',
    '/device/auth',
    '/vapi/start',
  ]
  for (const path of paths) assert.equal(isOwnPath(path), true, path)
})

test('everything else belongs to the downstream, also what only looks like ours', () => {
  const paths = [
    '/',
    '/v1/models',
    '/v1beta/models/x:generateContent',
    '/api/user/self',
    '/api/status',
    '/api/usage/',
    '/healthz',
    '/adminx',
    '/Admin/api',
    '//admin/api',
    '/api/clients/7',
    '/api/clients//keys',
    '/device',
    '/vapi',
    '/api/onboarding/step/3/skip/x',
  ]
  for (const path of paths) assert.equal(isOwnPath(path), false, path)
})

test('paths that two readers could resolve differently are told apart', () => {
  for (const path of [
    '/admin//api',
    '/admin/../v1',
    '/admin/./x',
    '/admin/%2e%2E/x',
    '/admin/a%2Fb',
    '/admin/a%5cb',
    '/admin/a\\b',
    '/admin/..',
  ]) {
    assert.equal(isAmbiguousPath(path), true, path)
  }
  for (const path of [
    '/admin/api/logs',
    '/admin/ui/assets/a.b-c_d.js',
    '/admin/ui/..a',
    '/proxy/x/v1/models/gemini-2.5-pro',
  ]) {
    assert.equal(isAmbiguousPath(path), false, path)
  }
})

test('calls to providers are told apart from our other paths', () => {
  for (const path of ['/proxy', '/proxy/', '/proxy/openai/v1/models'])
    assert.equal(isProxyPath(path), true, path)
  for (const path of ['/proxyx', '/Proxy/openai', '/admin/proxy/', '/'])
    assert.equal(isProxyPath(path), false, path)
})
