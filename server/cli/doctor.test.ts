// Tests of `sallyport doctor` as a whole, against a real HTTP server, Redis and PostgreSQL where they are needed.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { needs, redisAddr } from '../../test/support/needs.ts'
import { Secret } from '../lib/secret.ts'
import { createTestDatabase } from '../store/test-support.ts'
import { checkDownstream, checkRedis } from './doctor-engines.ts'
import {
  createTestFolder,
  errorAnswer,
  type PreparedAnswer,
  runCommand,
  signedIn,
  startGatewayStandIn,
} from './test-support.ts'

const ready = { body: { status: 'ready' } }
const externalSecrets = {
  SENTINEL_HMAC_SECRET: 'x'.repeat(32),
  ADMIN_PASSWORD: 'x'.repeat(12),
  ADMIN_JWT_SECRET: 'x'.repeat(32),
  MASTER_KEY: `${'x'.repeat(43)}=`,
}
const noPeers = { body: { untrusted_real_ip_peers: [], live_settings: [] } }

async function runDoctor(
  t: TestContext,
  answers: Record<string, PreparedAnswer>,
  env: Record<string, string> = {},
) {
  const gateway = await startGatewayStandIn(t, { 'GET /': { body: 'downstream' }, ...answers })
  const workingDir = createTestFolder(t)
  const result = await runCommand(['doctor', '--url', gateway.url], {
    env: { ...signedIn, DOWNSTREAM_URL: gateway.url, ...env },
    workingDir,
  })
  return { ...result, workingDir }
}

test('a ready gateway, a downstream that answers and no mistakes: exit 0, and nothing is made by looking', async (t) => {
  const answers = { 'GET /health/ready': ready, 'GET /admin/api/diagnostics': noPeers }
  const { exitCode, stdout, workingDir } = await runDoctor(t, answers)
  assert.equal(exitCode, 0, stdout)
  assert.match(stdout, /^✓ Node 2/m)
  assert.match(stdout, /^✓ downstream http:\/\/127\.0\.0\.1:\d+ answers \(200\)$/m)
  assert.match(stdout, /^✓ the gateway at .* is ready$/m)
  assert.match(stdout, /^! there is no embedded database yet\n {4}The first start makes it\.$/m)
  assert.equal(existsSync(join(workingDir, 'data')), false)
})

test('a peer that sends X-Real-IP without being listed is named with the line that lists it', async (t) => {
  const peer = { address: '172.24.0.3', count: 7, last_seen_at: '2026-11-20T11:00:00.000Z' }
  const { exitCode, stdout } = await runDoctor(t, {
    'GET /health/ready': ready,
    'GET /admin/api/diagnostics': { body: { untrusted_real_ip_peers: [peer], live_settings: [] } },
  })
  assert.match(stdout, /^! 172\.24\.0\.3 sent X-Real-IP 7 times without being trusted/m)
  assert.match(stdout, /add it: TRUSTED_PROXY_IPS=172\.24\.0\.3/)
  assert.equal(exitCode, 0)
})

test('a gateway that is not ready is a failure that shows what it says', async (t) => {
  const { exitCode, stdout } = await runDoctor(t, {
    'GET /health/ready': { status: 503, body: { status: 'down', database: 'down' } },
    'GET /admin/api/diagnostics': errorAnswer(503, 'database_unavailable', 'The database is away.'),
  })
  assert.match(stdout, /^✗ the gateway at .* is not ready \(503\): .*"database":"down"/m)
  assert.equal(exitCode, 1)
})

test('a downstream that does not answer is a failure', async (t) => {
  const answers = { 'GET /health/ready': ready, 'GET /admin/api/diagnostics': noPeers }
  const { exitCode, stdout } = await runDoctor(t, answers, { DOWNSTREAM_URL: 'http://127.0.0.1:1' })
  assert.match(stdout, /^✗ downstream http:\/\/127\.0\.0\.1:1: /m)
  assert.equal(exitCode, 1)
})

test('a configuration that cannot be read is shown key by key', async (t) => {
  const { exitCode, stdout } = await runDoctor(t, {}, { APP_PORT: 'seven' })
  assert.match(stdout, /^✗ APP_PORT: must be a whole number/m)
  assert.equal(exitCode, 1)
})

test('a gateway that does not run is a warning, and a damaged data folder a failure', async (t) => {
  const workingDir = createTestFolder(t)
  const args = ['doctor', '--url', 'http://127.0.0.1:1']
  const fresh = await runCommand(args, { workingDir })
  assert.match(fresh.stdout, /^! no gateway runs at http:\/\/127\.0\.0\.1:1$/m)
  assert.equal(fresh.exitCode, 0, fresh.stdout)
  writeFileSync(join(workingDir, '.env'), 'HOST=127.0.0.1\n', { mode: 0o644 })
  const open = await runCommand([...args, '--json'], { workingDir })
  const findings = JSON.parse(open.stdout) as { level: string; remedy?: string }[]
  assert.ok(findings.some(({ level, remedy }) => level === 'failure' && remedy?.startsWith('Run: chmod 600')))
  assert.equal(open.exitCode, 1)
})

test('an external database that cannot be reached is a failure that does not show the password', async (t) => {
  const env = {
    ...externalSecrets,
    PG_DSN: 'postgresql://sallyport:not-to-be-shown@127.0.0.1:1/sallyport',
  }
  const args = ['doctor', '--url', 'http://127.0.0.1:1']
  const result = await runCommand(args, { env, workingDir: createTestFolder(t) })
  assert.match(result.stdout, /^✗ database of PG_DSN: /m)
  assert.doesNotMatch(result.stdout + result.stderr, /not-to-be-shown/)
  assert.equal(result.exitCode, 1)
})

async function createEmptyDatabase(t: TestContext): Promise<string> {
  const { dsn, drop } = await createTestDatabase(`sp_test_${randomBytes(6).toString('hex')}`)
  t.after(drop)
  return dsn
}

test(
  'an external database is told with its version, without being migrated',
  await needs('postgres'),
  async (t) => {
    const dsn = await createEmptyDatabase(t)
    const result = await runCommand(['doctor', '--url', 'http://127.0.0.1:1'], {
      env: { ...externalSecrets, PG_DSN: dsn },
      workingDir: createTestFolder(t),
      now: Date.now,
    })
    assert.match(result.stdout, /^✓ database of PG_DSN answers \(PostgreSQL \d+\)$/m)
    assert.match(result.stdout, /^✓ the clocks of this machine and of the database agree$/m)
    const client = new Client({ connectionString: dsn })
    await client.connect()
    const { rowCount } = await client
      .query("select from pg_tables where schemaname = 'public'")
      .finally(() => client.end())
    assert.equal(rowCount, 0)
  },
)

test('a clock that is ten seconds behind the database is a failure', await needs('postgres'), async (t) => {
  const result = await runCommand(['doctor', '--url', 'http://127.0.0.1:1'], {
    env: { ...externalSecrets, PG_DSN: await createEmptyDatabase(t) },
    workingDir: createTestFolder(t),
    now: () => Date.now() - 10_000,
  })
  assert.match(
    result.stdout,
    /^✗ the clock of this machine and that of the database differ by (9|10)\.\d s$/m,
  )
  assert.equal(result.exitCode, 1)
})

test('Redis is found when it answers', await needs('redis'), async () => {
  const config = { redisAddr: new Secret(redisAddr), redisPassword: null }
  assert.deepEqual(await checkRedis(config), [{ level: 'ok', text: 'Redis answers' }])
})

test('a Redis that refuses or says nothing is a failure', async (t) => {
  const refused = { redisAddr: new Secret('redis://127.0.0.1:1'), redisPassword: null }
  assert.equal((await checkRedis(refused))[0]?.level, 'failure')
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.after(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const config = { redisAddr: new Secret(`redis://127.0.0.1:${port}`), redisPassword: null }
  assert.match((await checkRedis(config, 50))[0]?.text ?? '', /no answer in time/)
  assert.deepEqual(await checkRedis({ redisAddr: null, redisPassword: null }), [])
})

test('a downstream that is not set is a warning', async () => {
  assert.equal((await checkDownstream(null)).level, 'warning')
})
