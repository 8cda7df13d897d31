// For tests: a fresh database, and the whole admin room with the real bindings behind a real listener.
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { Registry } from 'prom-client'
import { type Bindings, createBindings } from '../bindings/bindings.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { createIdentity, type Identity } from '../identity/identity.ts'
import { createManualClock, type ManualClock, systemClock } from '../lib/clock.ts'
import { parseIpAddress } from '../lib/ip-address.ts'
import { createKeyedDigest, deriveKey } from '../lib/keyed-digest.ts'
import { createLogger, type Logger } from '../lib/logger.ts'
import { openConnection } from '../store/connection.ts'
import { createDatabase } from '../store/database.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import { migrate } from '../store/migrations.ts'
import { createNotices } from '../store/notices.ts'
import type { Database, Journal, Notices, Store, StoreHealth } from '../store/store.ts'
import {
  type AdminDependencies,
  type AuditLog,
  createAdmin,
  createAuditLog,
  createLiveSettings,
  type LiveSettings,
} from './admin.ts'

const server = process.env.TEST_PG_DSN ?? 'postgresql://root@127.0.0.1:5432/postgres'
export const adminPassword = 'correct horse battery'

export type TestDatabase = { database: Database; notices: Notices }

/** An empty database of its own with the schema in place; dropped after the test. */
export async function openTestDatabase(test: TestContext, logger = quietLogger()): Promise<TestDatabase> {
  const name = `sp_test_${randomBytes(6).toString('hex')}`
  await onServer(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const target = { connectionString: url.href }
  const connection = await openConnection(target, systemClock, 5000)
  await migrate(connection, logger)
  connection.destroy()
  const database = createDatabase({ target, clock: systemClock, logger })
  const notices = createNotices({ target, clock: systemClock, logger })
  await notices.start()
  test.after(async () => {
    notices.close()
    await database.close()
    await onServer(`drop database ${name} with (force)`)
  })
  return { database, notices }
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

export function quietLogger(lines: string[] = []): Logger {
  return createLogger({
    format: 'json',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  })
}

export async function openTestFolder(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-admin-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function testConfig(dataDir: string, env: Record<string, string> = {}): Config {
  const secret = 'x'.repeat(32)
  return loadConfig({
    workingDir: dataDir,
    env: {
      DATA_DIR: dataDir,
      ADMIN_PASSWORD: adminPassword,
      ADMIN_JWT_SECRET: `jwt${secret}`,
      SENTINEL_HMAC_SECRET: `pepper${secret}`,
      METRICS_TOKEN: `metrics${secret}`,
      DOWNSTREAM_URL: 'http://user:pass@127.0.0.1:3000/prefix',
      ...env,
    },
  })
}

/** Who a request seems to come from, as the listener would have found out. */
export type TestCaller = { address: string; peer: string; onConsolePort: boolean }

export type TestGateway = TestDatabase & {
  url: string
  clock: ManualClock
  config: Config
  bindings: Bindings
  identity: Identity
  settings: LiveSettings
  audit: AuditLog
  registry: Registry
  caller: TestCaller
  components: StoreHealth
  logLines: string[]
  /** What the listener would log as the code of each answer, in order. */
  loggedCodes(): (string | null)[]
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** A bearer token of a fresh login. */
  signIn(): Promise<string>
}

export type CallOptions = { body?: unknown; token?: string; headers?: Record<string, string> }
export type Answer = {
  status: number
  headers: Headers
  text: string
  /** Empty when the answer is not JSON. */
  json: Record<string, unknown>
  error: { code: string; message: string; details?: string[]; request_id: string } | null
}

/** The admin room as `main` puts it together, with a clock that the test moves and a caller that it chooses. */
export async function openTestGateway(
  test: TestContext,
  options: { env?: Record<string, string>; bindings?: Partial<Bindings> } = {},
): Promise<TestGateway> {
  const logLines: string[] = []
  const logger = quietLogger(logLines)
  const engines = await openTestDatabase(test, logger)
  const config = testConfig(await openTestFolder(test), options.env)
  const clock = createManualClock(Date.now())
  const audit = createAuditLog({ ...engines, key: deriveKey(config.pepper, 'audit'), clock })
  const counters = createMemoryCounters(clock)
  const record = audit.recorderFor('start', null)
  const identity = await createIdentity({ ...engines, config, counters, record, clock, logger })
  const settings = await createLiveSettings({ ...engines, config, clock, logger })
  const realBindings = await createBindings({
    config,
    store: { ...engines, counters, sharedCache: null, ...standInEngines() },
    clock: systemClock,
    logger,
    settings: settings.current,
    enqueueAlert: async () => undefined,
  })
  const bindings = { ...realBindings, ...options.bindings }
  const components: StoreHealth = {
    database: { state: 'up' },
    redis: { state: 'off' },
    journal: { state: 'up' },
  }
  const registry = new Registry()
  test.after(async () => {
    await realBindings.close()
    settings.close()
    await identity.close()
  })
  const parts = { ...engines, config, clock, audit, identity, settings, bindings, registry }
  const listening = await listen(test, {
    ...parts,
    logger,
    health: () => components,
    untrustedRealIpPeers: () => [{ address: '10.0.0.9', count: 2, last_seen_at: '2026-01-31T08:00:00.000Z' }],
    identifyToken: createTestIdentifier(config),
    version: '1.2.3',
  })
  return { ...parts, components, logLines, ...listening }
}

/** Journal and jobs as the bindings room sees them: every record is drained at once, nothing is scheduled. */
function standInEngines(): Pick<Store, 'journal' | 'jobs'> {
  const drains = new Map<string, (records: unknown[]) => Promise<void>>()
  const journal: Journal = {
    append: async (kind, record) => drains.get(kind)?.([JSON.parse(JSON.stringify(record))]),
    drainInto: (kind, drain) => void drains.set(kind, drain),
    flushed: async () => undefined,
    state: () => ({ usable: true, waitingRecords: 0, bytes: 0 }),
  }
  const nothing = async () => undefined
  return { journal, jobs: { schedule: nothing, queue: nothing, enqueue: nothing } }
}

function createTestIdentifier(config: Config): AdminDependencies['identifyToken'] {
  const digest = createKeyedDigest(config.pepper)
  return (token) =>
    /^sk-[A-Za-z0-9]+$/.test(token)
      ? { digest: digest(token), tokenDisplay: `${token.slice(0, 7)}...${token.slice(-4)}` }
      : null
}

async function listen(
  test: TestContext,
  dependencies: AdminDependencies,
): Promise<Pick<TestGateway, 'url' | 'caller' | 'loggedCodes' | 'call' | 'signIn'>> {
  const admin = await createAdmin(dependencies)
  const caller: TestCaller = { address: '127.0.0.1', peer: '127.0.0.1', onConsolePort: false }
  const calls: { code: string | null }[] = []
  const listener = createServer((request, response) => {
    const call = { ...contextOf(caller), code: null }
    calls.push(call)
    admin.handle(request, response, call)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  test.after(async () => {
    listener.closeAllConnections()
    await new Promise((resolve) => listener.close(resolve))
    await admin.close()
  })
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  const call = (method: string, path: string, options: CallOptions = {}) =>
    send(`${url}${path}`, method, options)
  return {
    url,
    caller,
    loggedCodes: () => calls.map(({ code }) => code),
    call,
    async signIn() {
      const answer = await call('POST', '/admin/api/login', { body: { password: adminPassword } })
      return String(answer.json.access_token)
    },
  }
}

function contextOf(caller: TestCaller) {
  const address = parseIpAddress(caller.address)
  const peer = parseIpAddress(caller.peer)
  if (!address || !peer) throw new Error('the test names a bad address')
  return { requestId: randomUUID(), address, peer, onConsolePort: caller.onConsolePort }
}

async function send(url: string, method: string, options: CallOptions): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers }
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
  if (options.body !== undefined) headers['content-type'] ??= 'application/json'
  const body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body)
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') && text !== ''
  const json = (isJson ? JSON.parse(text) : {}) as Answer['json']
  const error = (json.error as Answer['error']) ?? null
  return { status: response.status, headers: response.headers, text, json, error }
}
