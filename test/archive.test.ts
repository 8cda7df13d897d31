// A move: embedded database → file → external database → file → embedded, with everything in it and every secret working.
import assert from 'node:assert/strict'
import { appendFile, copyFile, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../server/cli/test-support.ts'
import { loadConfig } from '../server/config/config.ts'
import { systemClock } from '../server/lib/clock.ts'
import { type Database, openDatabaseForCommand } from '../server/store/store.ts'
import { silentLogger } from '../server/store/test-support.ts'
import { makeJpeg } from '../server/video/test-support.ts'
import { type Answer, call } from './support/call.ts'
import { eventually } from './support/eventually.ts'
import { freePort, type Gateway, jsonCall, openFolder, startGateway } from './support/gateway.ts'
import { startKeyUpstream } from './support/key-upstream.ts'
import { startMailServer } from './support/mail-server.ts'
import { openScope } from './support/scope.ts'
import { type Environment, storageMatrix, testSecrets } from './support/storage.ts'
import { readAllTables } from './support/tables.ts'
import { from } from './support/tokens.ts'
import { startUpstream } from './support/upstream.ts'

const ownKey = 'AIza-the-key-of-acme-itself-0001'
const sharedKey = 'AIza-the-key-of-the-operator-0002'
const bannedToken = `sk-${'m0ve'.repeat(12)}`

/** What the calls above do not write: rows for every table that would be empty, as their rooms write them. */
const furtherRows = [
  `insert into alerts (id, client_id, camera_id, risk_level, analysis, state, created_at)
   values ('019ab000-0000-7000-8000-000000000001', 1, 'door', 'HIGH', E'two\\nlines', 'sent', now())`,
  `insert into alert_files values ('019ab000-0000-7000-8000-000000000001', 1, 'a.jpg', 'image/jpeg', '\\xffd8')`,
  `insert into archived_bindings (id, digest, token_display, mode, allowed_ips)
   values (99, '\\x00', 'sk-…', 'multiple', '{10.0.0.0/8,192.0.2.1}')`,
  `insert into binding_ranges select id, '2001:db8::/64' from bindings limit 1`,
  `insert into budget_warnings values (1, 'day', now(), now())`,
  `insert into vapi_calls (call_id, client_id, device_pk) values ('call-1', 1, 1)`,
  `insert into onboarding_sessions (client_id, started_at) values (1, now())`,
  `insert into billing_runs values ('2025-W40', now())`,
]
/** Filled by a running gateway only, or by an import. */
const emptyAtRest = ['public.budget_members', 'public.imported_jobs']

const isoWeek = (at: Date) => {
  const thursday = new Date(at.getTime() + (4 - (at.getUTCDay() || 7)) * 86_400_000)
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  const week = Math.ceil(((thursday.getTime() - first) / 86_400_000 + 1) / 7)
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
}

type World = { apiKey: string; deviceToken: string; invoice: string; usage: unknown }

/** Everything an installation may hold, made by its own routes. */
async function liveIn(gateway: Gateway): Promise<World> {
  const admin = async (method: string, path: string, body?: unknown) => {
    const answer = await gateway.admin(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`)
    return answer.json() as Record<string, string> & { invoices: { number: string }[] }
  }
  await admin('PUT', '/settings', { alert_threshold_count: 7 })
  const acme = await admin('POST', '/clients', { name: 'Acme "Größe"', email: 'acme@example.com' })
  const globex = await admin('POST', '/clients', { name: 'Globex', email: 'globex@example.com' })
  assert.ok(acme.api_key && globex.api_key)
  await admin('PUT', '/clients/1/provider-keys/gemini', { api_key: ownKey })
  await admin('PUT', '/providers/exa/key', { api_key: sharedKey })
  await admin('PUT', '/clients/1/budgets', { month_micros: 100_000_000 })
  await admin('PUT', '/clients/1/payment-details', { method: 'bank_transfer', frequency: 'weekly' })
  const device = await admin('POST', '/devices', { device_id: 'pi_1', client_id: 1, name: 'Pi' })
  const auth = await call(
    `${gateway.url}/device/auth`,
    jsonCall('POST', { device_id: 'pi_1', device_secret: device.device_secret }),
  )
  const { access_token: deviceToken } = auth.json() as { access_token: string }
  await passThrough(gateway, '203.0.113.7')
  assert.equal((await passThrough(gateway, '203.0.113.8')).code, 'ip_not_allowed')
  const { items } = (await admin('GET', '/bindings')) as unknown as { items: { id: number }[] }
  await admin('POST', '/bindings/ban', { id: items[0]?.id })
  for (let count = 0; count < 3; count++) assert.equal((await sendFrame(gateway, acme.api_key)).status, 200)
  assert.equal((await askGemini(gateway, acme.api_key)).status, 200)
  await sendFrame(gateway, globex.api_key)
  const usage = await usageOf(gateway)
  const week = isoWeek(new Date())
  const run = await admin('POST', '/invoices/run', { week, allow_open: true })
  assert.deepEqual(
    run.invoices.map(({ number }) => number),
    [`${week}-001`, `${week}-002`],
  )
  await eventually(
    'the refused request in the log',
    async () => (await admin('GET', '/logs')).total === (1 as unknown),
  )
  return { apiKey: acme.api_key, deviceToken, invoice: `${week}-001`, usage }
}

const passThrough = (gateway: Gateway, address: string) =>
  call(`${gateway.url}/v1/models`, { headers: from(address, bannedToken) })

const sendFrame = (gateway: Gateway, key: string) =>
  call(
    `${gateway.url}/api/video/buffer`,
    jsonCall('POST', { frame_data: makeJpeg({ mark: 'one' }).toString('base64') }, { 'x-api-key': key }),
  )

const askGemini = (gateway: Gateway, key: string): Promise<Answer> =>
  call(
    `${gateway.url}/proxy/gemini/v1beta/models/gemini-2.5-flash:generateContent`,
    jsonCall('POST', { contents: [{ parts: [{ text: 'hello' }] }] }, { 'x-goog-api-key': key }),
  )

async function usageOf(gateway: Gateway): Promise<unknown> {
  const answer = await eventually('the usage in the ledger', async () => {
    const { total, totals, by_endpoint } = (await gateway.admin('GET', '/usage')).json() as Record<
      string,
      unknown
    >
    return total === 5 ? { totals, by_endpoint } : null
  })
  return answer
}

/** Works on the database of the installation in `folder`, as its commands do. */
async function onDatabase<Result>(
  folder: string,
  work: (database: Database) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig({ env: {}, workingDir: folder, createSecrets: false })
  const { database, close } = await openDatabaseForCommand({
    config,
    clock: systemClock,
    logger: silentLogger,
  })
  try {
    return await work(database)
  } finally {
    await close()
  }
}

const tablesOf = (folder: string) =>
  onDatabase(folder, (database) => readAllTables((sql) => database.query(sql)))

async function succeed(folder: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(args, { workingDir: folder })
  assert.equal(exitCode, 0, `sallyport ${args.join(' ')}:\n${stderr}`)
  return stdout
}

async function fail(folder: string, ...args: string[]): Promise<{ exitCode: number; stderr: string }> {
  const { exitCode, stdout, stderr } = await runCommand(args, { workingDir: folder })
  assert.equal(stdout, '')
  return { exitCode, stderr }
}

/** The same but for the queued work, which stands in a table of its own until the next start. */
function assertSameRows(is: Map<string, string[]>, was: Map<string, string[]>): void {
  assert.deepEqual([...is.keys()], [...was.keys()])
  for (const [name, rows] of was) {
    if (name !== 'public.imported_jobs') assert.deepEqual(is.get(name), rows, name)
  }
}

const [embedded, , external] = storageMatrix
assert.ok(embedded && external)

test(
  'an installation moves from the embedded database to an external one and back',
  external.options,
  async (t) => {
    const scope = openScope(t)
    const [models, downstream, mailPort] = [
      await startKeyUpstream(scope),
      await startUpstream(),
      await freePort(),
    ]
    scope.defer(downstream.close)
    const env: Environment = {
      ...{ GEMINI_BASE_URL: models.url, DOWNSTREAM_URL: downstream.url },
      ...{ SMTP_URL: `smtp://127.0.0.1:${mailPort}`, MAIL_FROM: 'gateway@example.com' },
    }
    const home = await openFolder(scope)
    const file = join(home, 'all.sallyport')
    const secrets = join(home, 'secrets.env')
    const former = await startGateway(scope, { folder: home, env })
    const world = await liveIn(former)
    await onDatabase(home, async (database) => {
      for (const sql of furtherRows) await database.query(sql)
    })
    assert.match(await succeed(home, 'export', file), /the running gateway writes from now on/)
    assert.deepEqual(await former.stop(), { code: 0, signal: null })

    const said = await succeed(home, 'export', file, '--secrets', secrets)
    assert.match(said, /^\d+ rows of \d+ tables, as they were at /m)
    assert.doesNotMatch(said, /running gateway/)
    assert.deepEqual([(await stat(file)).mode & 0o777, (await stat(secrets)).mode & 0o777], [0o600, 0o600])
    const was = await tablesOf(home)
    const empty = [...was].filter(([, rows]) => rows.length === 0).map(([name]) => name)
    assert.deepEqual(empty, emptyAtRest, 'every other table has rows in this test: give a new one some')

    const place = await openFolder(scope)
    const { PG_DSN = '' } = await external.open(scope)
    await writeFile(join(place, '.env'), `PG_DSN=${PG_DSN}\nADMIN_PASSWORD="${testSecrets.ADMIN_PASSWORD}"\n`)
    await t.test('other secrets are refused before anything is done', async () => {
      const dotEnv = await readFile(join(place, '.env'))
      const { SENTINEL_HMAC_SECRET, ADMIN_JWT_SECRET, MASTER_KEY } = testSecrets
      const others = Object.entries({ SENTINEL_HMAC_SECRET, ADMIN_JWT_SECRET, MASTER_KEY })
      await appendFile(join(place, '.env'), others.map(([name, value]) => `${name}=${value}\n`).join(''))
      const { exitCode, stderr } = await fail(place, 'import', file)
      assert.equal(exitCode, 78)
      assert.match(stderr, /SENTINEL_HMAC_SECRET: is not .*\n.*MASTER_KEY: is not .*\n.*export --secrets/)
      await writeFile(join(place, '.env'), dotEnv)
      const fresh = await openFolder(scope)
      assert.equal((await fail(fresh, 'import', file)).exitCode, 78)
      await assert.rejects(stat(join(fresh, 'data')), 'no installation is begun')
    })
    await appendFile(join(place, '.env'), await readFile(secrets))

    assert.match(await succeed(place, 'import', file), /Imported into the database of PG_DSN: \d+ rows/)
    const moved = await onDatabase(place, (database) => readAllTables((sql) => database.query(sql)))
    assertSameRows(moved, was)
    assert.ok(moved.get('public.imported_jobs')?.length, 'the mails that nobody has taken yet')
    assert.match((await fail(place, 'import', file)).stderr, /empty database only, and this one holds /)

    await t.test('in the new place every credential, key, invoice and sum is as it was', async () => {
      const mails = await startMailServer({ port: mailPort })
      scope.defer(mails.close)
      const gateway = await startGateway(scope, { folder: place, env })
      const health = await call(`${gateway.url}/api/health`, { headers: { 'x-api-key': world.apiKey } })
      assert.equal(health.status, 200)
      const device = { headers: { authorization: `Bearer ${world.deviceToken}` } }
      assert.equal((await call(`${gateway.url}/device/info`, device)).status, 200)
      assert.equal((await passThrough(gateway, '203.0.113.7')).code, 'binding_banned')
      assert.deepEqual(await usageOf(gateway), world.usage)
      assert.equal((await askGemini(gateway, world.apiKey)).status, 200)
      assert.deepEqual(
        models.asked.map(({ keys }) => keys),
        [[ownKey], [ownKey]],
        'the provider key opened in both places',
      )
      const audit = await gateway.admin('GET', '/audit/verify')
      assert.match(audit.text, /"ok":true/)
      const invoice = await gateway.admin('GET', `/invoices/${world.invoice}`)
      assert.equal((invoice.json() as { client_id: number }).client_id, 1)
      assert.match((await gateway.admin('GET', `/invoices/${world.invoice}.html`)).text, /Acme/)
      const note = await gateway.admin('POST', `/invoices/${world.invoice}/void`)
      assert.equal((note.json() as { number: string }).number, world.invoice.replace(/1$/, '3'))
      await eventually('the mails that had waited', () => mails.received.length >= 2)
      assert.deepEqual(await gateway.stop(), { code: 0, signal: null })
    })

    await t.test('and back again', async () => {
      const back = join(place, 'back.sallyport')
      await succeed(place, 'export', back)
      const again = await openFolder(scope)
      await copyFile(secrets, join(again, '.env'))
      assert.match(await succeed(again, 'import', back), /Imported into the embedded database of /)
      assertSameRows(await tablesOf(again), await tablesOf(place))
    })
  },
)
