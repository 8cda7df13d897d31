// Which calls may go on without a token.
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createRouting } from './routing.ts'

const get = { method: 'GET', headers: {} } as IncomingMessage
const choose = createRouting(['/api/status', '/assets/', '/'])

test('a prefix covers whole segments, and / the front page alone', () => {
  for (const path of ['/', '/api/status', '/api/status/x', '/assets', '/assets/', '/assets/a.js']) {
    assert.equal(choose(get, path), 'anonymous', path)
  }
  for (const path of [
    '/api',
    '/api/statusx',
    '/assetsx',
    '/v1/chat/completions',
    '/x',
    '/API/status',
    '//',
  ]) {
    assert.equal(choose(get, path), 'bound', path)
  }
})

test('a path that another reader could resolve elsewhere is not anonymous', () => {
  const paths = [
    '/assets/../v1/x',
    '/assets/%2e%2E/v1/x',
    '/assets/./x',
    '/assets//x',
    '/assets/..%2fv1',
    '/assets\\x',
  ]
  for (const path of paths) assert.equal(choose(get, path), 'bound', path)
})

test('only OPTIONS with Origin and Access-Control-Request-Method is a preflight', () => {
  const headers = { origin: 'https://a', 'access-control-request-method': 'POST' }
  assert.equal(choose({ method: 'OPTIONS', headers } as IncomingMessage, '/v1/x'), 'preflight')
  assert.equal(choose({ method: 'POST', headers } as IncomingMessage, '/v1/x'), 'bound')
  assert.equal(
    choose({ method: 'OPTIONS', headers: { origin: 'https://a' } } as IncomingMessage, '/v1/x'),
    'bound',
  )
})
