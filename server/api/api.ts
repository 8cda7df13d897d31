// Door of the api room: what clients and devices ask of the gateway itself with their own credentials.
import type { Config } from '../config/config.ts'
import type { AddRoutes, WebApi } from '../web/web.ts'
import { type AlertRouteDependencies, addAlertHistoryRoute, addAlertRoute } from './alert-routes.ts'
import { type AuthenticateDependencies, type CallerKind, createAuthenticate } from './authenticate.ts'
import { addBlogRoutes, type BlogRouteDependencies } from './blog-routes.ts'
import { addClientHealthRoute, addClientRoutes, type ClientRouteDependencies } from './client-routes.ts'
import { addPreflightRoute, allowCrossOrigin } from './cross-origin.ts'
import { createDeviceGuessing, type DeviceGuessingDependencies } from './device-guessing.ts'
import { addDeviceAuthRoute, addDeviceRoutes, type DeviceRouteDependencies } from './device-routes.ts'
import { addInvoiceRoutes, type InvoiceRouteDependencies } from './invoice-routes.ts'
import { addOnboardingKeyRoutes, type OnboardingKeyRouteDependencies } from './onboarding-key-routes.ts'
import { addOnboardingRoutes, type OnboardingRouteDependencies } from './onboarding-routes.ts'
import { addProviderKeyRoutes, type ProviderKeyRouteDependencies } from './provider-key-routes.ts'
import { addUsageRoutes, type UsageRouteDependencies } from './usage-routes.ts'
import { addVapiRoutes, type VapiRouteDependencies } from './vapi-routes.ts'
import { addVideoRoutes, type VideoRouteDependencies } from './video-routes.ts'

export type ApiDependencies = AuthenticateDependencies &
  ClientRouteDependencies &
  ProviderKeyRouteDependencies &
  UsageRouteDependencies &
  InvoiceRouteDependencies &
  AlertRouteDependencies &
  Omit<DeviceRouteDependencies, 'guessing'> &
  DeviceGuessingDependencies &
  OnboardingRouteDependencies &
  OnboardingKeyRouteDependencies &
  BlogRouteDependencies &
  VideoRouteDependencies &
  VapiRouteDependencies & { config: Pick<Config, 'corsOrigins'> }

export function createApiRoutes(dependencies: ApiDependencies): AddRoutes {
  const { config, clock } = dependencies
  const authenticate = createAuthenticate(dependencies)
  const devices = { ...dependencies, guessing: createDeviceGuessing(dependencies) }
  const guard = (api: WebApi, kind: CallerKind) =>
    api.addHook('onRequest', ({ raw }, reply) => authenticate(kind, raw, reply.raw))

  return (api) => {
    api.register(async (open: WebApi) => {
      allowCrossOrigin(open, config.corsOrigins)
      addPreflightRoute(open, config.corsOrigins)
      addClientHealthRoute(open, { clock, authenticate })
      open.register(async (guarded: WebApi) => {
        guard(guarded, 'client')
        addClientRoutes(guarded, dependencies)
        addProviderKeyRoutes(guarded, dependencies)
        addUsageRoutes(guarded, dependencies)
        addInvoiceRoutes(guarded, dependencies)
        addAlertHistoryRoute(guarded, dependencies)
      })
      open.register(async (guarded: WebApi) => {
        guard(guarded, 'api_key')
        addAlertRoute(guarded, dependencies)
      })
      open.register(async (guarded: WebApi) => {
        guard(guarded, 'user')
        addOnboardingKeyRoutes(guarded, dependencies)
        addOnboardingRoutes(guarded, dependencies)
        addBlogRoutes(guarded, dependencies)
      })
      open.register(async (guarded: WebApi) => {
        guard(guarded, 'api_key')
        addVideoRoutes(guarded, dependencies)
      })
    })
    addDeviceAuthRoute(api, devices)
    api.register(async (guarded: WebApi) => {
      guard(guarded, 'device')
      addDeviceRoutes(guarded, devices)
      addVapiRoutes(guarded, dependencies)
    })
  }
}
