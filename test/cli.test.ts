// The command line against a running gateway, as an operator on its machine and elsewhere uses it.
import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'pg'
import { call, decidedCall } from './support/call.ts'
import { commandsAt, remoteAt, withSuccess } from './support/commands.ts'
import { startFresh } from './support/first-start.ts'
import { startFleet } from './support/fleet.ts'
import { jsonCall, startGateway } from './support/gateway.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { anyStorage, type Environment, testSecrets } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

test('bindings, logs, settings and the audit are worked by command, and each change holds on the next request', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope)
  const [gateway] = gateways
  const sallyport = withSuccess(remoteAt(gateway))
  const token = newToken()
  const use = (address: string) =>
    decidedCall(`${gateway.url}/v1/models`, { headers: from(address, token) }).then(({ status }) => status)
  assert.equal(await use('203.0.113.7'), 200)
  assert.equal(await use('203.0.113.8'), 403)

  const listed = JSON.parse(await sallyport('bindings', 'list', '--json')) as { items: { id: number }[] }
  const id = String(listed.items[0]?.id)
  assert.match(
    await sallyport('bindings', 'list', '--ip', '203.0.113.7'),
    new RegExp(`\\b${id}\\b.*203\\.0\\.113\\.7`),
  )
  await sallyport('bindings', 'set-ip', id, '--ip', '203.0.113.8')
  assert.deepEqual([await use('203.0.113.7'), await use('203.0.113.8')], [403, 200])
  await sallyport('bindings', 'ban', id)
  assert.equal(await use('203.0.113.8'), 403)
  await sallyport('bindings', 'unban', id)
  assert.equal(await use('203.0.113.8'), 200)
  await sallyport('bindings', 'unbind', id, '--yes')
  assert.equal(await use('203.0.113.9'), 200, 'bound anew')
  const ahead = newToken()
  await sallyport('bindings', 'add', '--token', ahead, '--ip', '198.51.100.0/24')
  assert.equal(
    (await decidedCall(`${gateway.url}/v1/models`, { headers: from('203.0.113.7', ahead) })).status,
    403,
  )

  assert.match(await sallyport('logs'), /203\.0\.113\.8/)
  const file = join(gateway.folder, 'logs.csv')
  await sallyport('logs', '--export', file)
  const rows = (await readFile(file, 'utf8')).trim().split(/\r?\n/)
  assert.equal(
    rows[0],
    'id,token_display,client_ip,allowed_ips,method,path,reason,alerted,created_at,request_id',
  )
  assert.equal(rows.length, 5, 'a header and four refusals')
  await sallyport('settings', 'set', 'archive_days=30')
  assert.match(await sallyport('settings'), /archive_days\s+30/)
  assert.match(await sallyport('audit', 'list'), /ban/)
  await sallyport('audit', 'verify')
})

test('commands fail with one clear line: wrong value, wrong password, no gateway', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope)
  const [gateway] = gateways
  const wrong: [env: Environment, args: string[], says: RegExp][] = [
    [{}, ['bindings', 'set-ip', '1', '--ip', '300.1.1.1', '--url', gateway.url], /300\.1\.1\.1/],
    [{}, ['bindings', 'ban', '4711', '--url', gateway.url], /sallyport: /],
    [{}, ['settings', 'set', 'archive_days=0', '--url', gateway.url], /archive_days/],
    [{ SALLYPORT_ADMIN_PASSWORD: 'not the password' }, ['logs', '--url', gateway.url], /password/],
    [{}, ['logs', '--url', 'http://127.0.0.1:9'], /127\.0\.0\.1:9/],
    [{}, ['no-such-command'], /no-such-command/],
  ]
  const fail = async ([env, args, says]: (typeof wrong)[number]) => {
    const { ADMIN_PASSWORD: SALLYPORT_ADMIN_PASSWORD } = testSecrets
    const run = commandsAt(scope, gateway.folder, { SALLYPORT_ADMIN_PASSWORD, ...env })
    const { code, output } = await run(...args)
    assert.ok(code !== 0 && code !== null, `sallyport ${args.join(' ')}:\n${output}`)
    assert.match(output, says)
    assert.doesNotMatch(output, /\n\s+at /, 'no stack')
  }
  await Promise.all(wrong.map(fail))
})

test('on its machine the gateway is worked without a password; a reset voids sessions and the token file', async (t) => {
  const scope = openScope(t)
  const { url, folder, env, password } = await startFresh(scope)
  const sallyport = withSuccess(commandsAt(scope, folder, env))
  assert.match(await sallyport('settings'), /failsafe_mode\s+closed/)
  const tokenPath = join(folder, 'data/admin-token')
  assert.equal((await stat(tokenPath)).mode & 0o777, 0o600)
  const localToken = (await readFile(tokenPath, 'utf8')).trim()
  const login = (candidate: string) =>
    call(`${url}/admin/api/login`, jsonCall('POST', { password: candidate }))
  const session = ((await login(password)).json() as { access_token: string }).access_token
  const dashboard = (token: string, headers: Record<string, string> = {}) =>
    call(`${url}/admin/api/dashboard`, { headers: { ...headers, authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
    )
  assert.deepEqual([await dashboard(session), await dashboard(localToken)], [200, 200])

  const output = await sallyport('admin', 'reset-password')
  const fresh = output
    .trim()
    .split(/\s+/)
    .find((word) => word.length >= 12 && !/[/:.]/.test(word) && /\d/.test(word))
  assert.ok(fresh, output)
  assert.equal((await login(password)).status, 401)
  assert.equal((await login(fresh)).status, 200)
  assert.deepEqual([await dashboard(session), await dashboard(localToken)], [401, 401])
})

test('config and doctor tell the truth about a healthy installation and about a broken one', async (t) => {
  const scope = openScope(t)
  const opened = await anyStorage.open(scope)
  const storage = { ...anyStorage, open: async () => opened }
  const { gateways, upstream } = await startFleet(scope, { storage })
  const [gateway] = gateways
  const port = new URL(gateway.url).port
  const healthy = { ...opened, APP_PORT: port, DOWNSTREAM_URL: upstream.url }
  const sallyport = withSuccess(commandsAt(scope, gateway.folder, healthy))
  await sallyport('config', 'check')
  const shown = await sallyport('config', 'show')
  assert.match(shown, new RegExp(`DOWNSTREAM_URL\\s+${upstream.url}\\s+environment`))
  assert.ok(!shown.includes(testSecrets.ADMIN_PASSWORD))
  JSON.parse(await sallyport('config', 'schema'))
  await sallyport('doctor')
  const broken = commandsAt(scope, gateway.folder, { ...healthy, DOWNSTREAM_URL: 'http://127.0.0.1:9' })
  const { code, output } = await broken('doctor')
  assert.equal(code, 1, output)
  assert.match(output, /127\.0\.0\.1:9/)
})

test('an altered or removed audit row shows', await needs('postgres'), async (t) => {
  const scope = openScope(t)
  const env = await anyStorage.open(scope)
  const gateway = await startGateway(scope, { env })
  for (const days of [10, 20, 30]) {
    assert.equal((await gateway.admin('PUT', '/settings', { archive_days: days })).status, 200)
  }
  const verify = () => remoteAt(gateway)('audit', 'verify')
  assert.equal((await verify()).code, 0)
  const client = new Client({ connectionString: env.PG_DSN })
  await client.connect()
  scope.defer(() => client.end())
  await client.query(`update audit_log set actor = 'nobody' where id = (select max(id) - 1 from audit_log)`)
  const altered = await verify()
  assert.equal(altered.code, 1, altered.output)
  const answer = (await gateway.admin('GET', '/audit/verify')).json() as {
    ok: boolean
    first_bad_id: number
  }
  assert.equal(answer.ok, false)
  assert.match(altered.output, new RegExp(String(answer.first_bad_id)))
  await client.query('delete from audit_log where id = (select max(id) from audit_log)')
  assert.equal((await verify()).code, 1)
})
