// Composition root: configuration, engines, rooms, listener, and their end in the opposite order. Only the command line imports it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import {
  createAdminRoutes,
  createAuditLog,
  createBudgetMessages,
  createLiveSettings,
  scheduleAuditRetention,
} from './admin/admin.ts'
import { createApiRoutes } from './api/api.ts'
import { type Billing, createBilling } from './billing/billing.ts'
import { type Bindings, createBindings } from './bindings/bindings.ts'
import type { Config } from './config/config.ts'
import {
  createCallerCheck,
  createGateway,
  maskToken,
  readWrittenToken,
  toDigestedText,
} from './gateway/gateway.ts'
import { createHttp, createStaticFiles, type Http } from './http/http.ts'
import { type CredentialHooks, createIdentity, holdClient } from './identity/identity.ts'
import { systemClock as clock } from './lib/clock.ts'
import { giveBackMemory } from './lib/give-back-memory.ts'
import { createKeyedDigest, deriveKey, type KeyedDigest } from './lib/keyed-digest.ts'
import { createLogger, type Logger } from './lib/logger.ts'
import { createNotify } from './notify/notify.ts'
import { createOnboarding, type Onboarding } from './onboarding/onboarding.ts'
import { createProviders, createVapiCalls, type VapiCalls } from './providers/providers.ts'
import { createStore, EngineAwayError } from './store/store.ts'
import { createUsage, settlement } from './usage/usage.ts'
import { createVault, type Vault } from './vault/vault.ts'
import { createVideo, type Video } from './video/video.ts'
import { createWeb } from './web/web.ts'

const consolePath = '/admin/ui'
const consoleFolder = join(import.meta.dirname, '../console/dist')

/**
 * Runs the gateway until SIGTERM or SIGINT and answers the exit code 0.
 * Throws ConfigError and DataFolderInUseError; whatever was opened by then is closed.
 */
export async function runGateway(config: Config): Promise<number> {
  const format = config.sources.logFormat === 'default' && process.stdout.isTTY ? 'pretty' : config.logFormat
  const logger = createLogger({ format, level: config.logLevel })
  const opened = new AsyncDisposableStack()
  opened.defer(stayAlive())
  try {
    const stop = waitForStop()
    const rooms = await openRooms(config, logger, opened)
    const http = await openListener(config, logger, rooms, opened)
    giveBackMemory()
    const ports = await http.listen()
    opened.defer(http.close)
    const generatedPassword = rooms.identity.generatedPassword?.reveal() ?? null
    announce(config, logger, { ...ports, generatedPassword })
    await rooms.store.startWork()
    logger.info('stopping: open answers may finish', { component: 'main', detail: await stop })
    return 0
  } finally {
    await opened.disposeAsync()
    logger.info('stopped', { component: 'main' })
    logger.flush()
  }
}

/** No timer of ours keeps the process alive; this does, until everything is closed. Returns what ends it. */
function stayAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30)
  return () => clearInterval(timer)
}

type Rooms = Awaited<ReturnType<typeof openRooms>>

/** Makes the engines and every room on them, innermost first, and leaves on `opened` how each one is closed. */
async function openRooms(config: Config, logger: Logger, opened: AsyncDisposableStack) {
  const store = await createStore({ config, clock, logger })
  opened.defer(store.close)
  const { database, notices, counters, jobs } = store
  const settings = await createLiveSettings({ config, database, notices, clock, logger })
  opened.defer(settings.close)
  const audit = createAuditLog({ database, key: deriveKey(config.pepper, 'audit'), clock })
  const notify = await createNotify({ config, store, clock, logger, settings: settings.current })
  opened.defer(notify.close)
  const bindings = await createBindings({
    ...{ config, store, clock, logger, settings: settings.current },
    enqueueAlert: notify.enqueueWebhook,
  })
  opened.defer(bindings.close)
  const vault = createVault({ config, database, notices, holdClient })
  opened.defer(vault.close)
  const providers = createProviders({ config, vault })
  const vapiCalls = await createVapiCalls({ config, providers, database, jobs, clock, logger })
  opened.defer(vapiCalls.close)
  const video = await createVideo({
    ...{ config, outbox: notify, database, jobs, clock, logger },
    findModelAccess: providers.findAccess,
  })
  opened.defer(video.close)
  const findProvider = providers.find
  const onboarding = createOnboarding({
    ...{ config, database, vault, findProvider, clock, logger },
    holdClient,
  })
  const billing = await createBilling({
    ...{ config, store, notify, usage: settlement, clock, logger },
    describeClients: (queryable, ids) => identity.clients.describe(queryable, ids),
  })
  const digest = createKeyedDigest(config.pepper)
  const identity = await createIdentity({
    ...{ config, database, notices, counters, clock, logger },
    record: audit.recorderFor('configuration', null),
    hooks: connectCredentials({ bindings, vault, vapiCalls, video, onboarding, billing, digest }),
  })
  opened.defer(identity.close)
  const sendWarning = await createBudgetMessages({ notify, clients: identity.clients })
  const usage = await createUsage({ config, store, sendWarning, clock, logger })
  opened.defer(usage.close)
  const auditDays = config.retention.audit_days
  await scheduleAuditRetention({ jobs, database, audit, auditDays, clock, logger })
  return {
    ...{ store, settings, audit, notify, bindings, vault, providers },
    ...{ vapiCalls, video, onboarding, usage, billing, digest, identity },
  }
}

/** Puts the gateway, the admin API and the clients' routes before the rooms, and the listener before all of them. */
async function openListener(config: Config, logger: Logger, rooms: Rooms, opened: AsyncDisposableStack) {
  const { store, settings, audit, notify, bindings, vault, providers, vapiCalls, usage, billing } = rooms
  const { digest, identity } = rooms
  const { onboarding, video } = rooms
  const { database, counters } = store
  const metrics = new Registry()
  const version = readVersion()
  const checkCaller = createCallerCheck({ bindings, digest, takeRequest: usage.takeRequest })
  const gateway = createGateway({
    ...{ config, bindings, digest, metrics, userTokenIssuer: config.oidcIssuer },
    providerCalls: {
      ...{ callers: identity, checkCaller, providers, meter: usage.meter, logger },
      isEngineAway: (error) => error instanceof EngineAwayError,
    },
  })
  opened.defer(gateway.close)
  const adminRoutes = createAdminRoutes({
    ...{ config, identity, bindings, vault, providers, settings, audit, database, clock, logger, version },
    ...{ billing, video, onboarding },
    registry: metrics,
    ...{ ledger: usage.events, usageDays: usage.days, budgets: usage.budgets, prices: usage.prices },
    health: store.health,
    untrustedRealIpPeers: () => describeMistakes(http),
    identifyToken: (text) => identifyToken(text, digest, config.oidcIssuer),
  })
  const apiRoutes = createApiRoutes({
    ...{ config, database, counters, notify, vault, vapiCalls, onboarding, billing },
    ...{ checkCaller, clock, logger },
    ...{ callers: identity, keys: identity.keys, devices: identity.devices },
    isProvider: (name) => providers.find(name) !== null,
    recorderFor: audit.recorderFor,
    settings: settings.current,
    ...{ ledger: usage.events, meter: usage.meter, costAtProvider: usage.costAtProvider, video },
    registry: metrics,
  })
  const web = await createWeb({ config, version, rooms: [adminRoutes, apiRoutes] })
  opened.defer(web.close)
  const serveConsole = createStaticFiles({ folder: consoleFolder, basePath: `${consolePath}/` })
  const http: Http = createHttp({
    ...{ config, clock, logger, metrics },
    handlers: {
      ...gateway,
      own(request, response, call) {
        const isConsole = call.path === consolePath || call.path.startsWith(`${consolePath}/`)
        if (isConsole) return serveConsole(request, response, call)
        web.handle(request, response, call)
      },
    },
  })
  return http
}

/** Null for a text that can never be a token of the downstream. */
function identifyToken(text: string, digest: KeyedDigest, userTokenIssuer: string | null) {
  const canonical = readWrittenToken(text, userTokenIssuer)
  return canonical === null
    ? null
    : { digest: digest(toDigestedText(canonical)), tokenDisplay: maskToken(canonical) }
}

/** What other rooms do when credentials come and go: identity knows none of them. */
function connectCredentials(rooms: {
  bindings: Bindings
  vault: Vault
  vapiCalls: VapiCalls
  video: Pick<Video, 'removeClient'>
  onboarding: Pick<Onboarding, 'removeClient'>
  billing: Pick<Billing, 'removeClient'>
  digest: KeyedDigest
}): CredentialHooks {
  const { bindings, vault, vapiCalls, video, onboarding, billing, digest } = rooms
  return {
    bindCredential: (tx, { credential, display, clientId, rule }) =>
      bindings.bindNew(tx, { digest: digest(credential), tokenDisplay: display, clientId, rule }),
    async removeClient(tx, { clientId, credentials, usage }) {
      await billing.removeClient(tx, { clientId, usage })
      await bindings.removeAll(tx, credentials.map(digest))
      await vault.removeClient(tx, clientId)
      await vapiCalls.removeClient(tx, clientId)
      await video.removeClient(tx, clientId)
      await onboarding.removeClient(tx, clientId)
    },
  }
}

function readVersion(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'),
  )
  return manifest.version
}

function describeMistakes(http: Http) {
  return http.proxyMistakes().map(({ address, count, lastSeenMs }) => ({
    address,
    count,
    last_seen_at: new Date(lastSeenMs).toISOString(),
  }))
}

/** Answers the name of the signal. A second signal is for the impatient: it ends the process at once. */
function waitForStop(): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (isStopping) process.exit(130)
        isStopping = true
        resolve(name)
      })
    }
  })
}

type Announcement = { port: number; consolePort: number | null; generatedPassword: string | null }

function announce(
  config: Config,
  logger: Logger,
  { port, consolePort, generatedPassword }: Announcement,
): void {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  const consoleUrl = `http://${host}:${consolePort ?? port}${consolePath}/`
  logger.info('listening', {
    component: 'main',
    address: `http://${host}:${port}`,
    detail: `console ${consoleUrl}`,
  })
  if (config.downstreamUrl === null) {
    logger.warn('no downstream is configured: set DOWNSTREAM_URL to forward calls', { component: 'main' })
  }
  if (config.bindingMode === 'observe') {
    logger.warn('BINDING_MODE=observe: wrong addresses are recorded but let through', {
      component: 'main',
      observed: true,
    })
  }
  if (generatedPassword === null) return
  logger.flush()
  process.stdout.write(`
  Sallyport is ready.

    Console         ${consoleUrl}
    Admin password  ${generatedPassword}

  The password is shown only this once; only its digest is kept.
  './sallyport admin reset-password' makes a new one.

`)
}
