// Door of the admin room: the routes of the admin API, health and metrics.
import type { DiagnosticsAnswer } from '@sallyport/contract'
import type { Registry } from 'prom-client'
import type { Bindings } from '../bindings/bindings.ts'
import type { Config } from '../config/config.ts'
import type { Identity } from '../identity/identity.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, StoreHealth } from '../store/store.ts'
import type { AuditLog } from './audit-log.ts'
import type { LiveSettings } from './live-settings.ts'
import type { ProviderRouteDependencies } from './providers.ts'

export { type AuditEntry, type AuditLog, createAuditLog } from './audit-log.ts'
export type { AuditVerdict } from './audit-verify.ts'
export { createLiveSettings, type LiveSettings, type SettingSource } from './live-settings.ts'
export { scheduleAuditRetention } from './retention.ts'
export { createAdminRoutes } from './routes.ts'

export type AdminDependencies = {
  config: Pick<
    Config,
    'publicUrl' | 'consolePort' | 'metricsToken' | 'bindingMode' | 'downstreamUrl' | 'embedded' | 'redisAddr'
  >
  identity: Pick<Identity, 'login' | 'authenticateAdmin' | 'clients' | 'keys' | 'devices'>
  providers: ProviderRouteDependencies['providers']
  vault: ProviderRouteDependencies['vault']
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
