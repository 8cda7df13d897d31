// Door of the api room: what clients and devices ask of the gateway itself with their own credentials.
import type { Config } from '../config/config.ts'
import type { AddRoutes, WebApi } from '../web/web.ts'
import { type AuthenticateDependencies, type CallerKind, createAuthenticate } from './authenticate.ts'
import { addClientHealthRoute, addClientRoutes, type ClientRouteDependencies } from './client-routes.ts'
import { addPreflightRoute, allowCrossOrigin } from './cross-origin.ts'
import { createDeviceGuessing, type DeviceGuessingDependencies } from './device-guessing.ts'
import { addDeviceAuthRoute, addDeviceRoutes, type DeviceRouteDependencies } from './device-routes.ts'
import { addProviderKeyRoutes, type ProviderKeyRouteDependencies } from './provider-key-routes.ts'
import { addVapiRoutes, type VapiRouteDependencies } from './vapi-routes.ts'

export type ApiDependencies = AuthenticateDependencies &
  ClientRouteDependencies &
  ProviderKeyRouteDependencies &
  Omit<DeviceRouteDependencies, 'guessing'> &
  DeviceGuessingDependencies &
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
        guard(guarded, 'api_key')
        addClientRoutes(guarded, dependencies)
        addProviderKeyRoutes(guarded, dependencies)
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
