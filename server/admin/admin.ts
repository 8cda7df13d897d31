// Door of the admin room: the routes of the admin API, health and metrics.
import type { DiagnosticsAnswer } from '@sallyport/contract'
import type { Registry } from 'prom-client'
import type { Billing } from '../billing/billing.ts'
import type { Bindings } from '../bindings/bindings.ts'
import type { Config } from '../config/config.ts'
import type { Identity } from '../identity/identity.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, StoreHealth } from '../store/store.ts'
import type { AlertRouteDependencies } from './alerts.ts'
import type { AuditLog } from './audit-log.ts'
import type { BudgetRouteDependencies } from './budgets.ts'
import type { CameraRouteDependencies } from './cameras.ts'
import type { LiveSettings } from './live-settings.ts'
import type { ProviderRouteDependencies } from './providers.ts'
import type { UsageRouteDependencies } from './usage.ts'
import type { UserRouteDependencies } from './users.ts'

export { type AuditEntry, type AuditLog, createAuditLog } from './audit-log.ts'
export type { AuditVerdict } from './audit-verify.ts'
export { createBudgetMessages } from './budget-messages.ts'
export { createLiveSettings, type LiveSettings, type SettingSource } from './live-settings.ts'
export { scheduleAuditRetention } from './retention.ts'
export { createAdminRoutes } from './routes.ts'

export type AdminDependencies = {
  config: Pick<
    Config,
    'publicUrl' | 'consolePort' | 'metricsToken' | 'bindingMode' | 'downstreamUrl' | 'embedded' | 'redisAddr'
  > &
    CameraRouteDependencies['config']
  identity: Pick<Identity, 'login' | 'authenticateAdmin' | 'clients' | 'keys' | 'devices' | 'users'>
  budgets: BudgetRouteDependencies['budgets']
  prices: BudgetRouteDependencies['prices']
  providers: ProviderRouteDependencies['providers']
  vault: ProviderRouteDependencies['vault'] & UserRouteDependencies['vault']
  onboarding: UserRouteDependencies['onboarding']
  bindings: Bindings
  video: AlertRouteDependencies['video'] & CameraRouteDependencies['video']
  ledger: UsageRouteDependencies['ledger']
  usageDays: UsageRouteDependencies['usageDays']
  billing: Billing
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
