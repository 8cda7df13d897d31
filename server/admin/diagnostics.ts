// GET /admin/api/diagnostics: what only the running gateway can know; `sallyport doctor` and `config show` ask.
import { type DiagnosticsAnswer, diagnosticsAnswer, settingsAnswer } from '@sallyport/contract'
import { answers, type WebApi } from '../web/web.ts'
import type { LiveSettings } from './live-settings.ts'

export type DiagnosticsDependencies = {
  settings: Pick<LiveSettings, 'sources'>
  /** Peers that sent X-Real-IP although nobody listed them as a proxy. */
  untrustedRealIpPeers(): DiagnosticsAnswer['untrusted_real_ip_peers']
}

export function addDiagnosticsRoute(api: WebApi, dependencies: DiagnosticsDependencies): void {
  const schema = {
    tags: ['gateway'],
    summary: 'Signs of a mistaken set-up, and which settings were changed live',
    response: answers(diagnosticsAnswer),
  }
  api.get('/admin/api/diagnostics', { schema }, async () => {
    const sources = dependencies.settings.sources()
    return {
      untrusted_real_ip_peers: dependencies.untrustedRealIpPeers(),
      live_settings: settingsAnswer.keyof().options.filter((key) => sources[key] === 'admin'),
    }
  })
}
