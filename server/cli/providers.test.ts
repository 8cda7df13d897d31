// Tests of `sallyport providers …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const saved = { body: { provider: 'openai', last4: 'wxYZ', updated_at: '2026-11-20T08:00:00.000Z' } }
const client = {
  ...{ id: 5, external_id: 'acme', name: 'Acme', email: null, status: 'active' },
  ...{ shared_keys: true, settings: {}, created_at: '2026-11-20T08:00:00.000Z' },
}

test('list shows where calls go, whose key serves them, and no more of a key than its end', async (t) => {
  const openai = {
    ...{ name: 'openai', base_url: 'https://api.openai.com', key_source: 'shared', priced_by: 'token' },
    shared_key: { last4: 'wxYZ', updated_at: null, source: 'environment' },
  }
  const exa = { ...openai, name: 'exa', base_url: 'https://api.exa.ai', key_source: 'own', shared_key: null }
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/providers': { body: { items: [openai, exa] } },
  })
  const result = await runCommand(['providers', 'list', '--url', gateway.url], { env: signedIn })
  assert.equal(
    result.stdout,
    [
      'PROVIDER  KEY SOURCE  SHARED KEY  SET BY       PRICED BY  BASE URL',
      'openai    shared      ****wxYZ    environment  token      https://api.openai.com',
      'exa       own         -           -            token      https://api.exa.ai',
      '',
    ].join('\n'),
  )
})

test('set-key sends the shared key, or with --client an own one, and never prints it', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'PUT /admin/api/providers/openai/key': saved,
    'GET /admin/api/clients/5': { body: client },
    'PUT /admin/api/clients/5/provider-keys/openai': saved,
  })
  const set = (args: string[], input: string) =>
    runCommand(['providers', 'set-key', 'openai', '--api-key-stdin', ...args, '--url', gateway.url], {
      env: signedIn,
      input,
    })
  const shared = await set([], 'sk-live-secret-wxYZ\n')
  assert.equal(shared.stdout, 'The shared key of openai is set: ****wxYZ. It is never shown again.\n')
  const own = await set(['--client', '5'], 'sk-own-secret-wxYZ')
  assert.match(own.stdout, /^acme's own key of openai is set: \*\*\*\*wxYZ/)
  assert.deepEqual(
    gateway.received.filter(({ method }) => method === 'PUT').map(({ url, body }) => [url, JSON.parse(body)]),
    [
      ['/admin/api/providers/openai/key', { api_key: 'sk-live-secret-wxYZ' }],
      ['/admin/api/clients/5/provider-keys/openai', { api_key: 'sk-own-secret-wxYZ' }],
    ],
  )
})

test('a key given twice, not at all, or not a key is a usage error that does not repeat it', async () => {
  const wrong: [args: string[], input: string, reason: RegExp][] = [
    [['openai'], '', /either with --api-key-stdin or with --api-key/],
    [['openai', '--api-key', 'secret', '--api-key-stdin'], 'x', /either with --api-key-stdin/],
    [['openai', '--api-key-stdin'], '', /no key arrived on standard input/],
    [['openai', '--api-key', 'two secret words'], '', /^sallyport: --api-key: must be printable characters/],
    [['Open AI', '--api-key', 'secret'], '', /must be a provider name/],
  ]
  for (const [args, input, reason] of wrong) {
    const result = await runCommand(['providers', 'set-key', ...args, '--url', 'http://127.0.0.1:1'], {
      env: signedIn,
      input,
    })
    assert.match(result.stderr, reason)
    assert.doesNotMatch(result.stderr, /secret/)
    assert.equal(result.exitCode, 64)
  }
})

test('remove-key is confirmed by the name of the provider', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'DELETE /admin/api/providers/openai/key': { status: 204, body: '' },
  })
  const remove = (options: { typed?: string }, ...args: string[]) =>
    runCommand(['providers', 'remove-key', 'openai', ...args, '--url', gateway.url], {
      env: signedIn,
      ...options,
    })
  assert.equal((await remove({})).exitCode, 64)
  assert.equal((await remove({ typed: 'exa' })).exitCode, 1)
  assert.equal(gateway.received.length, 0)
  assert.equal((await remove({ typed: 'openai' })).stdout, 'The shared key of openai is removed.\n')
  const silent = await remove({}, '--yes', '--json')
  assert.deepEqual(silent, { exitCode: 0, stdout: '', stderr: '' })
})
