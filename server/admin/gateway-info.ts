// GET /admin/api/gateway: which gateway this is and in which state, for the head of the console.
import { gatewayAnswer } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import { answers, type WebApi } from '../web/web.ts'
import type { LiveSettings } from './live-settings.ts'

export type GatewayInfoDependencies = {
  config: Pick<Config, 'bindingMode' | 'downstreamUrl' | 'embedded' | 'publicUrl' | 'redisAddr'>
  settings: Pick<LiveSettings, 'current'>
  version: string
}

export function addGatewayRoute(api: WebApi, dependencies: GatewayInfoDependencies): void {
  const { config, settings, version } = dependencies
  const schema = {
    tags: ['gateway'],
    summary: 'Version and state of this gateway',
    response: answers(gatewayAnswer),
  }
  api.get('/admin/api/gateway', { schema }, async () => ({
    version,
    binding_mode: config.bindingMode,
    failsafe_mode: settings.current().failsafe_mode,
    downstream_url: config.downstreamUrl,
    public_url: config.publicUrl,
    database: config.embedded === null ? ('external' as const) : ('embedded' as const),
    redis: config.redisAddr !== null,
  }))
}
