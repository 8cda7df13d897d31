// Door of the admin room: the admin API, health, metrics and the API's own documentation, over one web framework.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DiagnosticsAnswer } from '@sallyport/contract'
import type { Registry } from 'prom-client'
import type { Bindings } from '../bindings/bindings.ts'
import type { Config } from '../config/config.ts'
import type { Identity } from '../identity/identity.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, StoreHealth } from '../store/store.ts'
import { createApi } from './api.ts'
import type { AuditLog } from './audit-log.ts'
import { addDocsRoutes } from './docs.ts'
import type { LiveSettings } from './live-settings.ts'
import { type AdminCall, keepCall } from './request-context.ts'
import { addRoutes } from './routes.ts'

export { type AuditEntry, type AuditLog, createAuditLog } from './audit-log.ts'
export type { AuditVerdict } from './audit-verify.ts'
export { createLiveSettings, type LiveSettings, type SettingSource } from './live-settings.ts'
export { scheduleAuditRetention } from './retention.ts'

export type AdminDependencies = {
  config: Pick<
    Config,
    | 'publicUrl'
    | 'consolePort'
    | 'metricsToken'
    | 'bindingMode'
    | 'downstreamUrl'
    | 'embedded'
    | 'redisAddr'
    | 'limits'
  >
  identity: Pick<Identity, 'login' | 'authenticateAdmin'>
  bindings: Bindings
  settings: LiveSettings
  audit: AuditLog
  database: Pick<Database, 'transaction'>
  registry: Registry
  health(): StoreHealth
  untrustedRealIpPeers(): DiagnosticsAnswer['untrusted_real_ip_peers']
  /** Digest and mask of a token of the downstream; null for a text that could never be one. */
  identifyToken(token: string): { digest: string; tokenDisplay: string } | null
  version: string
  clock: Clock
  logger: Logger
}

/** On every answer, errors too: nothing of it may be kept or taken for something else. */
const standardHeaders = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
] as const

export type Admin = {
  /** Answers a request for any path of ours; unknown paths get 404, unknown methods 405. */
  handle(request: IncomingMessage, response: ServerResponse, call: AdminCall): void
  close(): Promise<void>
}

export async function createAdmin(dependencies: AdminDependencies): Promise<Admin> {
  const api = createApi(dependencies.config.limits.admin.body_bytes_max)
  addRoutes(api, dependencies)
  addDocsRoutes(api, dependencies)
  await api.ready()
  return {
    handle(request, response, call) {
      keepCall(request, call)
      for (const [name, value] of standardHeaders) response.setHeader(name, value)
      response.setHeader('x-request-id', call.requestId)
      api.routing(request, response)
    },
    close: () => api.close(),
  }
}
