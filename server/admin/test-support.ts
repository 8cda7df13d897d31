// For tests: a fresh database, and every room with routes on real engines behind a real listener.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@sallyport/contract'
import { Registry } from 'prom-client'
import { createApiRoutes } from '../api/api.ts'
import { type Billing, createBilling } from '../billing/billing.ts'
import { type Bindings, createBindings } from '../bindings/bindings.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { createCallerCheck } from '../gateway/gateway.ts'
import { Call } from '../http/call-context.ts'
import { createIdentity, holdClient, type Identity } from '../identity/identity.ts'
import { createManualClock, type ManualClock, systemClock } from '../lib/clock.ts'
import { parseIpAddress } from '../lib/ip-address.ts'
import { createKeyedDigest, deriveKey } from '../lib/keyed-digest.ts'
import { createLogger, type Logger } from '../lib/logger.ts'
import { after } from '../lib/maybe-promise.ts'
import { createNotify } from '../notify/notify.ts'
import { createOnboarding } from '../onboarding/onboarding.ts'
import { createProviders, createVapiCalls } from '../providers/providers.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import type { Database, Store, StoreHealth } from '../store/store.ts'
import { createTestStore } from '../store/test-support.ts'
import { type CallOutcome, type CallToMeter, createUsage, type Meter, settlement } from '../usage/usage.ts'
import { createVault, type Vault } from '../vault/vault.ts'
import { createVideo, type Video } from '../video/video.ts'
import { createWeb, type Web } from '../web/web.ts'
import {
  type AdminDependencies,
  type AuditLog,
  createAdminRoutes,
  createAuditLog,
  createLiveSettings,
  type LiveSettings,
} from './admin.ts'

export const adminPassword = 'correct horse battery'

/** Undoes in the opposite order what was opened; a test's own `after` would close the engines first. */
export type TestScope = { after(undo: () => unknown): void }

export function openScope(test: TestScope): TestScope {
  const undone: (() => unknown)[] = []
  test.after(async () => {
    for (const undo of undone.reverse()) await undo()
  })
  return { after: (undo) => void undone.push(undo) }
}

/** Real engines on an empty database with the schema in place; gone after the test. */
export async function openTestStore(scope: TestScope, logger = quietLogger()): Promise<Store> {
  const store = await createTestStore({ kind: 'dsn', redis: false, logger })
  scope.after(store.close)
  return store
}

export function quietLogger(lines: string[] = []): Logger {
  return createLogger({
    format: 'json',
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  })
}

export async function openTestFolder(scope: TestScope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-admin-'))
  scope.after(() => rm(folder, { recursive: true, force: true }))
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
      DOWNSTREAM_URL: 'http://127.0.0.1:3000/prefix',
      ...env,
    },
  })
}

/** Who a request seems to come from, as the listener would have found out. */
export type TestCaller = { address: string; peer: string; onConsolePort: boolean }

export type TestGateway = {
  database: Database
  url: string
  clock: ManualClock
  config: Config
  bindings: Bindings
  identity: Identity
  settings: LiveSettings
  audit: AuditLog
  registry: Registry
  vault: Vault
  billing: Billing
  store: Store
  /** Webhooks that were queued, in order. */
  webhooks: Record<string, unknown>[]
  /** Mails that were queued, in order. */
  mails: QueuedMail[]
  /** Calls that were metered, in order, with how they ended. */
  metered: MeteredRecord[]
  video: Video
  caller: TestCaller
  components: StoreHealth
  logLines: string[]
  /** How the listener would log each call, in order: why it failed, or null. */
  failures(): (AppError | null)[]
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** A bearer token of a fresh login. */
  signIn(): Promise<string>
}

export type MeteredRecord = CallToMeter & { outcome: CallOutcome }
export type QueuedMail = { kind: string; data: object }
export type CallOptions = { body?: unknown; token?: string; headers?: Record<string, string> }
export type Answer = {
  status: number
  headers: Headers
  text: string
  /** Empty when the answer is not JSON. */
  json: Record<string, unknown>
  error: { code: string; message: string; details?: string[]; request_id: string } | null
}

/** The real one, looked over the shoulder. */
function createRecordingMeter(meter: Meter, metered: MeteredRecord[]): Meter {
  return {
    open: (call) =>
      after(meter.open(call), (opened) => {
        if (opened instanceof AppError) return opened
        return {
          ...opened,
          settle(outcome) {
            metered.push({ ...call, outcome })
            opened.settle(outcome)
          },
        }
      }),
  }
}

export type GatewayWishes = {
  env?: Record<string, string>
  /** What `.env` in the working directory says. */
  dotEnv?: string
  bindings?: Partial<Bindings>
  /** The configuration file, as JSON. */
  file?: object
  /** When it is, in milliseconds since 1970; now, unless given. */
  nowMs?: number
  /** Mails of alerts really go out, to `SMTP_URL`; else they are only noted in `mails`. */
  sendsMail?: boolean
}

/** The rooms with routes as `main` puts them together, with a clock that the test moves and a caller that it chooses. */
export async function openTestGateway(test: TestScope, options: GatewayWishes = {}): Promise<TestGateway> {
  const logLines: string[] = []
  const logger = quietLogger(logLines)
  const scope = openScope(test)
  const store = await openTestStore(scope, logger)
  const { database, notices } = store
  const folder = await openTestFolder(scope)
  if (options.dotEnv !== undefined) await writeFile(join(folder, '.env'), options.dotEnv)
  if (options.file) await writeFile(join(folder, 'sallyport.yaml'), JSON.stringify(options.file))
  const config = testConfig(folder, options.env)
  const clock = createManualClock(options.nowMs ?? Date.now())
  const audit = createAuditLog({ database, key: deriveKey(config.pepper, 'audit'), clock })
  const counters = createMemoryCounters(clock)
  const record = audit.recorderFor('start', null)
  const settings = await createLiveSettings({ database, notices, config, clock, logger })
  const realBindings = await createBindings({
    config,
    store,
    clock: systemClock,
    logger,
    settings: settings.current,
    enqueueAlert: async () => undefined,
  })
  const vault = createVault({ config, database, notices, holdClient })
  const providers = createProviders({ config, vault })
  const vapiCalls = await createVapiCalls({
    ...{ config, providers, database, clock: systemClock, logger },
    jobs: { schedule: async () => undefined },
  })
  const findProvider = providers.find
  const onboarding = createOnboarding({
    ...{ config, database, vault, findProvider, clock, logger },
    holdClient,
  })
  const webhooks: Record<string, unknown>[] = []
  const mails: QueuedMail[] = []
  const video = await createVideo({
    ...{ config, database, clock, logger },
    findModelAccess: providers.findAccess,
    jobs: { schedule: async () => undefined },
    outbox: options.sendsMail
      ? await createNotify({ ...{ config, store, logger }, clock: systemClock, settings: settings.current })
      : {
          isMailConfigured: () => config.smtpUrl !== null,
          registerMail: async () => undefined,
          enqueueMail: async (_tx, kind, data) => void mails.push({ kind, data }),
          enqueueWebhook: async (_tx, body) => void webhooks.push({ ...body }),
        },
  })
  const digest = createKeyedDigest(config.pepper)
  const usage = await createUsage({
    ...{ config, logger, clock: { ...systemClock, now: clock.now } },
    store: { ...store, counters, jobs: { ...store.jobs, schedule: async () => undefined } },
    sendWarning: async () => undefined,
  })
  const notify = {
    isMailConfigured: () => false,
    registerMail: async () => undefined,
    enqueueMail: async () => undefined,
  }
  const billing = await createBilling({
    ...{ config, notify, usage: settlement, clock, logger },
    store: {
      database,
      jobs: { schedule: async () => undefined, queue: async () => undefined, enqueue: async () => undefined },
    },
    describeClients: (queryable, ids) => identity.clients.describe(queryable, ids),
  })
  const identity = await createIdentity({
    ...{ database, notices, config, counters, record, clock, logger },
    hooks: {
      bindCredential: (tx, { credential, display, clientId, rule }) =>
        realBindings.bindNew(tx, { digest: digest(credential), tokenDisplay: display, clientId, rule }),
      async removeClient(tx, { clientId, credentials, usage }) {
        await billing.removeClient(tx, { clientId, usage })
        await realBindings.removeAll(tx, credentials.map(digest))
        await vault.removeClient(tx, clientId)
        await vapiCalls.removeClient(tx, clientId)
        await onboarding.removeClient(tx, clientId)
        await video.removeClient(tx, clientId)
      },
    },
  })
  const metered: MeteredRecord[] = []
  const bindings = { ...realBindings, ...options.bindings }
  const components: StoreHealth = {
    database: { state: 'up' },
    redis: { state: 'off' },
    journal: { state: 'up' },
  }
  const registry = new Registry()
  scope.after(async () => {
    await video.close()
    await usage.close()
    await realBindings.close()
    settings.close()
    await identity.close()
    await vapiCalls.close()
    vault.close()
  })
  const parts = {
    ...{
      database,
      config,
      clock,
      audit,
      identity,
      settings,
      bindings,
      registry,
      vault,
      billing,
      video,
      onboarding,
    },
  }
  const apiRoutes = createApiRoutes({
    ...{ config, database, counters, vault, vapiCalls, onboarding, billing, video, registry, clock, logger },
    meter: createRecordingMeter(usage.meter, metered),
    costAtProvider: usage.costAtProvider,
    ...{ callers: identity, keys: identity.keys, devices: identity.devices },
    checkCaller: createCallerCheck({ bindings, digest, takeRequest: usage.takeRequest }),
    ...{ ledger: usage.events, budgets: usage.budgets, prices: usage.prices },
    notify: { enqueueWebhook: async (_tx, body) => void webhooks.push({ ...body }) },
    isProvider: (name) => providers.find(name) !== null,
    recorderFor: audit.recorderFor,
    settings: settings.current,
  })
  const adminRoutes = createAdminRoutes({
    ...parts,
    ...{ ledger: usage.events, usageDays: usage.days, budgets: usage.budgets, prices: usage.prices },
    providers,
    logger,
    health: () => components,
    untrustedRealIpPeers: () => [{ address: '10.0.0.9', count: 2, last_seen_at: '2026-01-31T08:00:00.000Z' }],
    identifyToken: createTestIdentifier(config),
    version: '1.2.3',
  })
  const web = await createWeb({ config, version: '1.2.3', rooms: [adminRoutes, apiRoutes] })
  const listening = await listen(scope, web)
  if (options.sendsMail) await store.startWork()
  return { ...parts, store, webhooks, metered, mails, components, logLines, ...listening }
}

function createTestIdentifier(config: Config): AdminDependencies['identifyToken'] {
  const digest = createKeyedDigest(config.pepper)
  return (token) =>
    /^sk-[A-Za-z0-9]+$/.test(token)
      ? { digest: digest(token), tokenDisplay: `${token.slice(0, 7)}...${token.slice(-4)}` }
      : null
}

async function listen(
  scope: TestScope,
  web: Web,
): Promise<Pick<TestGateway, 'url' | 'caller' | 'failures' | 'call' | 'signIn'>> {
  const caller: TestCaller = { address: '127.0.0.1', peer: '127.0.0.1', onConsolePort: false }
  const calls: Call[] = []
  const listener = createServer((request, response) => {
    const call = receive(request, response, caller)
    calls.push(call)
    web.handle(request, response, call)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  scope.after(async () => {
    listener.closeAllConnections()
    await new Promise((resolve) => listener.close(resolve))
    await web.close()
  })
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  const call = (method: string, path: string, options: CallOptions = {}) =>
    send(`${url}${path}`, method, options)
  return {
    url,
    caller,
    failures: () => calls.map(({ failure }) => failure),
    call,
    async signIn() {
      const answer = await call('POST', '/admin/api/login', { body: { password: adminPassword } })
      return String(answer.json.access_token)
    },
  }
}

/** What the listener finds out about a request, had it come from `caller`. */
function receive(request: IncomingMessage, response: ServerResponse, caller: TestCaller): Call {
  const address = parseIpAddress(caller.address)
  const peer = parseIpAddress(caller.peer)
  if (!address || !peer) throw new Error('the test names a bad address')
  const { onConsolePort } = caller
  const call = new Call({ request, response, peer, onConsolePort, expectsContinue: false, startedMs: 0 })
  call.address = address
  return call
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
