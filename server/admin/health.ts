// GET /health: this process serves. GET /health/ready: calls can be decided, and the state of each engine.
import { healthAnswer, readinessAnswer } from '@sallyport/contract'
import type { Bindings } from '../bindings/bindings.ts'
import type { Config } from '../config/config.ts'
import type { StoreHealth } from '../store/store.ts'
import type { WebApi } from '../web/web.ts'
import type { LiveSettings } from './live-settings.ts'

export type HealthDependencies = {
  config: Pick<Config, 'bindingMode'>
  bindings: Pick<Bindings, 'canDecide'>
  settings: Pick<LiveSettings, 'current'>
  health(): StoreHealth
}

export function addHealthRoutes(api: WebApi, dependencies: HealthDependencies): void {
  const shared = { tags: ['health'], security: [] }
  const healthSchema = { ...shared, summary: 'The process serves', response: { 200: healthAnswer } }
  api.get('/health', { schema: healthSchema }, async () => ({ status: 'ok' as const }))

  const readySchema = {
    ...shared,
    summary: 'Calls can be decided; 503 when not',
    response: { 200: readinessAnswer, 503: readinessAnswer },
  }
  api.get('/health/ready', { schema: readySchema }, async (_request, reply) => {
    const components = dependencies.health()
    const isComplete = Object.values(components).every(({ state }) => state !== 'down')
    const canDecide = dependencies.bindings.canDecide()
    reply.code(canDecide ? 200 : 503)
    return {
      status: !canDecide ? ('unavailable' as const) : isComplete ? ('ready' as const) : ('degraded' as const),
      components,
      binding_mode: dependencies.config.bindingMode,
      failsafe_mode: dependencies.settings.current().failsafe_mode,
    }
  })
}
