// Starting, stopping, being killed, and being refused a start: what an operator can rely on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Client } from 'pg'
import { createSilentProxy } from '../server/store/test-proxy.ts'
import { call, decidedCall, openCall, sendRaw } from './support/call.ts'
import { eventually, within } from './support/eventually.ts'
import { startFresh } from './support/first-start.ts'
import { startFleet } from './support/fleet.ts'
import {
  freePort,
  type Gateway,
  jsonCall,
  openFolder,
  spawnCommand,
  startGateway,
  untilReady,
} from './support/gateway.ts'
import { needs } from './support/needs.ts'
import { openScope, type Scope } from './support/scope.ts'
import { anyStorage, type Environment, storageMatrix, testSecrets } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'
import { startUpstream } from './support/upstream.ts'

const [, , external] = storageMatrix
assert.ok(external)

/** EX_CONFIG of sysexits.h. */
const configExitCode = 78

describe('first start with nothing configured', () => {
  test('secrets are made for their owner only, the password is printed once and opens the console API', async (t) => {
    const scope = openScope(t)
    const { process: first, url, folder, env, password } = await startFresh(scope)
    assert.match(first.output(), new RegExp(`${url}/admin/ui/`), 'the address of the console is printed')
    const login = await call(`${url}/admin/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password }),
    })
    assert.equal(login.status, 200, login.text)
    const mode = (await stat(join(folder, 'data/secrets.json'))).mode & 0o777
    assert.equal(mode, 0o600)
    const unset = await call(`${url}/v1/models`, { headers: { authorization: 'Bearer x' } })
    assert.deepEqual([unset.status, unset.code], [404, 'downstream_not_configured'])
    await expectOwnUserOnly(url, folder)
    assert.deepEqual(await first.stop(), { code: 0, signal: null })

    const second = spawnCommand(scope, ['start'], { folder, env: { ...env, HOST: '0.0.0.0' } })
    await untilReady(url, second)
    for (const host of ['127.0.0.1', ...ownAddresses()]) {
      const answer = await call(`http://${host}:${env.APP_PORT}/api/onboarding/status`)
      assert.deepEqual([answer.status, answer.code], [503, 'mode_not_chosen'], host)
    }
    assert.ok(!second.output().includes(password), 'the password is printed once only')
    assert.equal((await second.stop()).code, 0)
  })
})

/** Without DEPLOY_ENV it serves users' routes to whoever sits at this machine, and only to them. */
async function expectOwnUserOnly(url: string, folder: string): Promise<void> {
  const keys = `${url}/api/onboarding/api-keys`
  const order = { provider: 'gemini', api_key: 'AIza-of-this-machine-0123' }
  for (const headers of [
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-real-ip': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { host: 'gateway.example.com' },
    { origin: 'https://evil.example' },
    { 'content-type': 'text/plain' },
  ]) {
    const answer = await call(keys, jsonCall('POST', order, headers))
    assert.deepEqual([answer.status, answer.code], [503, 'mode_not_chosen'], JSON.stringify(headers))
  }
  const { host } = new URL(url)
  const old = await sendRaw(url, `GET /api/onboarding/status HTTP/1.0\r\nHost: ${host}\r\n\r\n`)
  assert.match(old, /^HTTP\/1\.1 503 /)
  assert.ok(!existsSync(join(folder, '.env')))
  assert.equal((await call(keys, jsonCall('POST', order))).status, 200)
  assert.equal(await readFile(join(folder, '.env'), 'utf8'), `GEMINI_API_KEY=${order.api_key}\n`)
  assert.equal((await stat(join(folder, '.env'))).mode & 0o777, 0o600)
  assert.deepEqual((await call(keys)).json(), { api_keys: { gemini: '****0123' } })
}

/** Those that other machines reach this one at. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
}

describe('a wrong configuration', { concurrency: 3 }, async () => {
  const wrong: [name: string, key: string, env: Environment][] = [
    ['a port out of range', 'APP_PORT', { APP_PORT: '70000' }],
    ['a short pepper', 'SENTINEL_HMAC_SECRET', { SENTINEL_HMAC_SECRET: 'short' }],
    ['a short password', 'ADMIN_PASSWORD', { ADMIN_PASSWORD: 'short' }],
    ['a malformed proxy network', 'TRUSTED_PROXY_IPS', { TRUSTED_PROXY_IPS: '10.0.0.0/33' }],
    ['an unknown failsafe mode', 'SENTINEL_FAILSAFE_MODE', { SENTINEL_FAILSAFE_MODE: 'maybe' }],
    ['a downstream that is no address', 'DOWNSTREAM_URL', { DOWNSTREAM_URL: 'new-api:3000' }],
    ['an empty webhook secret', 'ALERT_WEBHOOK_SECRET', { ALERT_WEBHOOK_SECRET: 'x' }],
    ['an external database without its secrets', 'MASTER_KEY', { PG_DSN: 'postgresql://a@127.0.0.1/b' }],
    ['anonymous paths that hold model routes', 'DOWNSTREAM_ANONYMOUS', { DOWNSTREAM_ANONYMOUS: '/v1' }],
    ['a configuration file that is not there', 'CONFIG_FILE', { CONFIG_FILE: 'absent.yaml' }],
  ]
  for (const [name, key, env] of wrong) {
    test(`${name} ends the start with exit 78 and names ${key}`, async (t) => {
      const scope = openScope(t)
      const folder = await openFolder(scope)
      const process = spawnCommand(scope, ['start'], { folder, env })
      const exit = await within('the exit', process.exited)
      assert.equal(exit.code, configExitCode, process.output())
      assert.match(process.output(), new RegExp(`${key}.*(\\n.*)?[Ee]xample`))
      assert.ok(!existsSync(join(folder, 'data')), 'nothing was made')
    })
  }

  test('an unknown key in the file is named', async (t) => {
    const scope = openScope(t)
    const folder = await openFolder(scope)
    await writeFile(join(folder, 'sallyport.yaml'), 'limits:\n  connections: 5\n')
    const process = spawnCommand(scope, ['start'], { folder })
    assert.equal((await process.exited).code, configExitCode)
    assert.match(process.output(), /sallyport\.yaml: limits: .*connections/)
  })

  const postgres = 'another pepper or master key than the stored one ends the start with exit 78'
  test(postgres, await needs('postgres'), async (t) => {
    const scope = openScope(t)
    const env = await anyStorage.open(scope)
    await (await startGateway(scope, { env })).stop()
    const changed: Environment[] = [
      { SENTINEL_HMAC_SECRET: 'another-pepper-0123456789abcdefghijklm' },
      { MASTER_KEY: 'YW5vdGhlci1rZXktMDEyMzQ1Njc4OWFiY2RlZmdoaWo=' },
    ]
    const refuse = async (other: Environment) => {
      const folder = await openFolder(scope)
      const process = spawnCommand(scope, ['start'], { folder, env: { ...env, ...other, APP_PORT: '0' } })
      assert.equal((await within('the exit', process.exited)).code, configExitCode, process.output())
      assert.match(process.output(), new RegExp(Object.keys(other).join()))
    }
    await Promise.all(changed.map(refuse))
    const kept = { MASTER_KEY: changed[1]?.MASTER_KEY ?? '', MASTER_KEY_PREVIOUS: testSecrets.MASTER_KEY }
    await startGateway(scope, { env: { ...env, ...kept } })
  })
})

describe('the embedded data folder', () => {
  test('a second process on it is refused at once with a named error, the first goes on', async (t) => {
    const scope = openScope(t)
    const gateway = await startGateway(scope)
    const second = spawnCommand(scope, ['start'], { folder: gateway.folder, env: { APP_PORT: '0' } })
    const exit = await within('the refusal', second.exited)
    assert.ok(exit.code !== 0 && exit.code !== null, second.output())
    assert.match(second.output(), /in use/)
    assert.ok(second.output().includes(String(gateway.pid)), 'the error names the process')
    assert.equal((await call(`${gateway.url}/health/ready`)).status, 200)
  })

  test('two first starts at once leave one gateway running', async (t) => {
    const scope = openScope(t)
    const folder = await openFolder(scope)
    const ports = [await freePort(), await freePort()]
    const processes = ports.map((port) =>
      spawnCommand(scope, ['start'], { folder, env: { APP_PORT: String(port) } }),
    )
    const lost = await within(
      'one of them being refused',
      Promise.race(processes.map(({ exited }) => exited)),
      30_000,
    )
    assert.ok(lost.code !== 0 && lost.code !== null)
    const outputs = processes.map(({ output }) => /in use/.test(output()))
    assert.deepEqual(outputs.filter(Boolean), [true])
    const winner = outputs.indexOf(false)
    const process = processes[winner]
    assert.ok(process)
    await untilReady(`http://127.0.0.1:${ports[winner]}`, process)
  })
})

for (const storage of storageMatrix) {
  test(
    `a gateway killed with SIGKILL starts again by itself and still knows its bindings, on ${storage.name}`,
    storage.options,
    async (t) => {
      const scope = openScope(t)
      const upstream = await startUpstream()
      scope.defer(upstream.close)
      const env = { ...(await storage.open(scope)), DOWNSTREAM_URL: upstream.url }
      const folder = await openFolder(scope)
      const tokens: string[] = []
      for (let round = 0; round < 2; round++) {
        const gateway = await startGateway(scope, { env, folder })
        for (const token of tokens) assert.equal(await use(gateway, '203.0.113.8', token), 403)
        const token = newToken()
        tokens.push(token)
        assert.equal(await use(gateway, '203.0.113.7', token), 200)
        assert.equal((await gateway.kill9()).signal, 'SIGKILL')
      }
      const gateway = await startGateway(scope, { env, folder })
      await eventually('every refusal that was answered in the log', async () => {
        const { total } = (await gateway.admin('GET', '/logs')).json() as { total: number }
        return total === 1
      })
      assert.equal((await gateway.stop()).code, 0)
    },
  )
}

test('SIGTERM lets an open stream finish, takes no new call, and exits 0', async (t) => {
  const { upstream, gateways } = await startFleet(openScope(t))
  const [gateway] = gateways
  const held = upstream.hold('/v1/long')
  const opened = openCall(`${gateway.url}/v1/long`, { headers: from('203.0.113.7', newToken()) })
  const { response: sender } = await held
  sender.writeHead(200, { 'content-type': 'text/event-stream' })
  sender.write('data: one\n\n')
  const { response } = await opened
  await within('the first event', once(response, 'data'))
  gateway.signal('SIGTERM')
  await assertRefusesConnections(gateway)
  const next = once(response, 'data')
  sender.write('data: two\n\n')
  assert.equal(String((await within('an event after SIGTERM', next))[0]), 'data: two\n\n')
  const end = once(response.resume(), 'end')
  sender.end()
  await within('the end of the stream', end)
  assert.deepEqual(await within('the exit', gateway.exited), { code: 0, signal: null })
})

test('SIGTERM ends streams that outlast the grace time', async (t) => {
  const { upstream, gateways } = await startFleet(openScope(t), { env: { SHUTDOWN_GRACE_MS: '300' } })
  const held = upstream.hold('/v1/endless')
  const opened = openCall(`${gateways[0].url}/v1/endless`, { headers: from('203.0.113.7', newToken()) })
  const { response: sender } = await held
  sender.writeHead(200).write('never ends')
  const { response } = await opened
  response.on('error', () => null).resume()
  const exit = await within('the exit', gateways[0].stop())
  assert.deepEqual(exit, { code: 0, signal: null })
})

describe('SIGTERM while PostgreSQL is away', external.options, () => {
  /** A gateway that has forwarded one call, which it has only counted so far. */
  const startUsed = async (scope: Scope) => {
    const upstream = await startUpstream()
    scope.defer(upstream.close)
    const env = await external.open(scope)
    const dsn = new URL(env.PG_DSN ?? '')
    const proxy = await createSilentProxy(dsn.hostname, Number(dsn.port))
    scope.defer(proxy.close)
    const proxied = Object.assign(new URL(dsn), { port: String(proxy.port) }).href
    const gateway = await startGateway(scope, {
      env: { ...env, PG_DSN: proxied, DOWNSTREAM_URL: upstream.url },
    })
    assert.equal(await use(gateway, '203.0.113.7', newToken()), 200)
    const untilAway = () =>
      eventually('the outage being noticed', () => gateway.output().includes('"msg":"database is away"'))
    return { dsn, proxy, gateway, untilAway }
  }

  test('what was only counted is written once it is back', async (t) => {
    const { dsn, proxy, gateway, untilAway } = await startUsed(openScope(t))
    proxy.fallSilent()
    const stopped = gateway.stop()
    await untilAway()
    proxy.recover()
    assert.deepEqual(await stopped, { code: 0, signal: null })
    const database = new Client({ connectionString: dsn.href })
    await database.connect()
    const { rows } = await database.query('select sum(requests)::int as requests from daily_counts')
    await database.end()
    assert.deepEqual(rows, [{ requests: 1 }])
  })

  test('the gateway ends as told where it stays away', async (t) => {
    const { proxy, gateway, untilAway } = await startUsed(openScope(t))
    proxy.refuse()
    await untilAway()
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null })
    assert.match(gateway.output(), /daily counts could not be written.*"msg":"stopped"/s)
  })
})

function use(gateway: Gateway, address: string, token: string): Promise<number> {
  return decidedCall(`${gateway.url}/v1/models`, { headers: from(address, token) }).then(
    ({ status }) => status,
  )
}

/** Waits until the listener is gone; a call that still gets in is told so. */
async function assertRefusesConnections(gateway: Gateway): Promise<void> {
  await eventually('connections being refused after SIGTERM', async () => {
    const outcome = await call(`${gateway.url}/health`).catch((error: NodeJS.ErrnoException) => error.code)
    return outcome === 'ECONNREFUSED'
  })
}
