// Lists every route of the admin room: those that anyone may ask, and those behind the admin's authentication.

import type { AddRoutes, WebApi } from '../web/web.ts'
import type { AdminDependencies } from './admin.ts'
import { addAlertRoutes } from './alerts.ts'
import { addAuditRoutes } from './audit.ts'
import { authenticate } from './authenticate.ts'
import { addBindingRoutes } from './bindings.ts'
import { addBudgetRoutes } from './budgets.ts'
import { addCameraRoutes } from './cameras.ts'
import { addClientRoutes } from './clients.ts'
import { addDashboardRoute } from './dashboard.ts'
import { addDeviceRoutes } from './devices.ts'
import { addDiagnosticsRoute } from './diagnostics.ts'
import { addGatewayRoute } from './gateway-info.ts'
import { addHealthRoutes } from './health.ts'
import { addInvoiceRoutes } from './invoices.ts'
import { addKeyRoutes } from './keys.ts'
import { addLoginRoute } from './login.ts'
import { addLogRoutes } from './logs.ts'
import { addMetricsRoute } from './metrics.ts'
import { addPaymentDetailsRoutes } from './payment-details.ts'
import { addProviderRoutes } from './providers.ts'
import { addSessionRoutes, addSignedInRoute } from './session.ts'
import { addSettingsRoutes } from './settings.ts'
import { createSignIn, type SignIn } from './sign-in.ts'
import { addUsageRoutes } from './usage.ts'
import { addUserRoutes } from './users.ts'

export function createAdminRoutes(dependencies: AdminDependencies): AddRoutes {
  const signIn = createSignIn(dependencies)
  return (api) => addRoutes(api, dependencies, signIn)
}

function addRoutes(api: WebApi, dependencies: AdminDependencies, signIn: SignIn): void {
  addHealthRoutes(api, dependencies)
  addMetricsRoute(api, dependencies)
  addLoginRoute(api, signIn)
  addSessionRoutes(api, dependencies.config, signIn)
  api.register(async (guarded: WebApi) => {
    guarded.addHook('onRequest', async (request) => {
      await authenticate(dependencies, request.raw)
    })
    const { audit } = dependencies
    addSignedInRoute(guarded, dependencies)
    addDashboardRoute(guarded, dependencies)
    addBindingRoutes(guarded, dependencies)
    addLogRoutes(guarded, dependencies)
    addUsageRoutes(guarded, dependencies)
    addAlertRoutes(guarded, dependencies)
    addSettingsRoutes(guarded, dependencies)
    addAuditRoutes(guarded, dependencies)
    addGatewayRoute(guarded, dependencies)
    addDiagnosticsRoute(guarded, dependencies)
    const { clients, keys, devices, users } = dependencies.identity
    addBudgetRoutes(guarded, { ...dependencies, clients })
    addClientRoutes(guarded, { budgets: dependencies.budgets, clients, audit })
    addKeyRoutes(guarded, { keys, audit })
    addDeviceRoutes(guarded, { devices, audit })
    addUserRoutes(guarded, { ...dependencies, users })
    addInvoiceRoutes(guarded, dependencies)
    addPaymentDetailsRoutes(guarded, dependencies)
    addProviderRoutes(guarded, { ...dependencies, clients })
    addCameraRoutes(guarded, dependencies)
  })
}
