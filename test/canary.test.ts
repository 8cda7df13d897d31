// Fifty known secrets go through every route and every mistake; none of them may show up in a log, metric, answer, row or file.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'pg'
import { createClient } from 'redis'
import { call, sendRaw } from './support/call.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { databaseFolders, type Gateway, jsonCall } from './support/gateway.ts'
import { openScope } from './support/scope.ts'
import { type Environment, eachStorage, testSecrets } from './support/storage.ts'

type Canary = {
  secret: string
  headers?: Record<string, string>
  path?: string
  body?: string
  method?: string
}

const word = () => `canary${randomBytes(20).toString('hex')}`

/** Secrets as clients send them: in every carrier, in the wrong place, in targets and bodies. */
function canaries(): Canary[] {
  const carriers: ((secret: string) => Omit<Canary, 'secret'>)[] = [
    (secret) => ({ headers: { authorization: `Bearer ${secret}` } }),
    (secret) => ({ headers: { authorization: secret } }),
    (secret) => ({ headers: { authorization: `Basic ${secret}` } }),
    (secret) => ({ headers: { 'x-api-key': secret } }),
    (secret) => ({ headers: { 'x-goog-api-key': secret } }),
    (secret) => ({ headers: { 'mj-api-secret': secret } }),
    (secret) => ({ headers: { 'sec-websocket-protocol': `openai-insecure-api-key.${secret}` } }),
    (secret) => ({ path: `/v1/models?key=${secret}` }),
    (secret) => ({ path: `/v1/models?key=${secret}&key=other-one` }),
    (secret) => ({ path: `/admin/api/bindings?q=${secret.repeat(3)}` }),
    (secret) => ({ path: `/health?key=${secret}`, headers: { authorization: `Bearer ${secret}` } }),
    (secret) => ({ path: '/admin/api/dashboard', headers: { authorization: `Bearer ${secret}` } }),
    (secret) => ({ path: '/admin/api/dashboard', headers: { cookie: `sallyport_session=${secret}` } }),
    (secret) => ({ path: '/metrics', headers: { authorization: `Bearer ${secret}` } }),
    (secret) => ({ path: '/admin/api/login', ...jsonCall('POST', { password: secret }) }),
    (secret) => ({ path: '/admin/api/login', ...jsonCall('POST', { [secret.slice(0, 4)]: secret }) }),
    (secret) => ({ path: '/admin/api/session', ...jsonCall('POST', { password: secret }) }),
    (secret) => ({ path: '/proxy/openai/v1/models', headers: { authorization: `Bearer sp_${secret}` } }),
    (secret) => ({ headers: { authorization: `Bearer sp_${secret}` } }),
    (secret) => ({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer plain-token', 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: secret }] }),
    }),
    (secret) => ({ headers: { authorization: 'Bearer plain-token', 'x-private': secret } }),
    (secret) => ({ headers: { authorization: `Bearer ${secret}`, 'x-api-key': `${secret}x` } }),
    (secret) => ({ headers: { authorization: `Bearer ${secret}`, X_Real_IP: '1.2.3.4' } }),
    (secret) => ({ headers: { authorization: `Bearer ${secret}`, 'x-real-ip': 'nowhere' } }),
    (secret) => ({ path: `/admin/../${'x'}?key=${secret}` }),
  ]
  return [...carriers, ...carriers].map((carry) => {
    const secret = word()
    return { secret, ...carry(secret) }
  })
}

/** Everything the databases hold, as text. */
async function dumpStorage(env: Environment): Promise<string> {
  const parts: string[] = []
  if (env.PG_DSN) {
    const client = new Client({ connectionString: env.PG_DSN })
    await client.connect()
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
    )
    for (const { name } of tables.rows) {
      const rows = await client.query<{ text: string }>(`select t::text as text from ${name} t`)
      parts.push(name, ...rows.rows.map(({ text }) => text))
    }
    await client.end()
  }
  if (env.REDIS_ADDR) {
    const client = createClient({ url: env.REDIS_ADDR })
    await client.connect()
    for await (const keys of client.scanIterator({ MATCH: `${env.REDIS_PREFIX}*`, COUNT: 1000 })) {
      for (const key of keys) parts.push(key, JSON.stringify(await client.sendCommand(['DUMP', key])))
    }
    client.destroy()
  }
  return parts.join('\n')
}

/** Names of the files under `folder` that hold one of `texts`, read as bytes. */
function filesHolding(folder: string, texts: readonly string[]): string {
  if (!existsSync(folder)) return ''
  const found = spawnSync('grep', ['-rlaF', '-f', '-', folder], { input: texts.join('\n'), encoding: 'utf8' })
  // 0: something found, 1: nothing found, more: not searched.
  assert.ok(found.status === 0 || found.status === 1, found.stderr)
  return found.stdout
}

/** Sends one canary; answers may not repeat it either. */
async function fly({ gateways }: Fleet, { secret, path = '/v1/models', ...options }: Canary): Promise<void> {
  const answer = await call(`${gateways[0].url}${path}`, options)
  const seen = answer.rawHeaders.join('\n') + answer.text
  assert.ok(!seen.includes(secret), `the answer of ${path.split('?', 1)[0]} repeats a secret: ${seen}`)
}

/** What an admin can read: every list, the export and the metrics. */
async function readEverything(gateway: Gateway, token: string): Promise<string> {
  const lists = ['bindings', 'logs', 'logs/export', 'audit', 'settings', 'gateway', 'dashboard']
  const paths = [...lists.map((name) => `/admin/api/${name}`), '/metrics']
  const headers = { authorization: `Bearer ${token}` }
  const pages = await Promise.all(paths.map((path) => call(gateway.url + path, { headers })))
  for (const [index, page] of pages.entries()) assert.equal(page.status, 200, `${paths[index]}: ${page.text}`)
  return pages.map(({ text }) => text).join('\n')
}

for (const storage of eachStorage) {
  test(`fifty secrets leave no trace, on ${storage.name}`, storage.options, async (t) => {
    const scope = openScope(t)
    const opened = await storage.open(scope)
    const fleet = await startFleet(scope, {
      storage: { ...storage, open: async () => opened },
      env: { BIND_NEW_PER_MINUTE: '0', LOG_LEVEL: 'debug' },
    })
    const [gateway] = fleet.gateways
    // The wrong passwords among the canaries lock this address out of the login.
    const token = await gateway.login()
    const flock = canaries()
    assert.equal(flock.length, 50)
    for (const canary of flock) await fly(fleet, canary)
    const malformed = word()
    await sendRaw(gateway.url, `GET /?key=${malformed} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`)

    const shown = await readEverything(gateway, token)
    const stored = await dumpStorage(opened)
    const folders = [join(gateway.folder, 'data'), ...(await databaseFolders(gateway.folder))]
    await gateway.stop()
    const places = { log: gateway.output(), 'admin API and metrics': shown, storage: stored }
    const known = [...flock.map(({ secret }) => secret), malformed, token, ...Object.values(testSecrets)]
    for (const [place, text] of Object.entries(places)) {
      for (const secret of known) assert.ok(!text.includes(secret), `${place} holds ${secret}`)
    }
    for (const folder of folders) assert.equal(filesHolding(folder, known), '')
    assert.ok(places.log.includes('/v1/models'), 'counter-test: the log does hold the calls')
    assert.match(shown, /"token_display":"\w/, 'counter-test: the canaries did bind')
    if (folders.length > 1)
      assert.notEqual(folders.map((folder) => filesHolding(folder, ['bindings'])).join(''), '')
  })
}
