// GET and PUT /admin/api/settings.
import { settingsAnswer, settingsRequest } from '@sallyport/contract'
import { answers, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import type { LiveSettings } from './live-settings.ts'
import { recorderOf } from './signed-in.ts'

export function addSettingsRoutes(
  api: WebApi,
  dependencies: { settings: LiveSettings; audit: Pick<AuditLog, 'recorderFor'> },
): void {
  const { settings, audit } = dependencies
  const path = '/admin/api/settings'
  const shared = { tags: ['settings'], response: answers(settingsAnswer) }
  api.get(path, { schema: { ...shared, summary: 'Settings in force' } }, async () => settings.current())
  api.put(
    path,
    { schema: { ...shared, summary: 'Change some settings on every replica', body: settingsRequest } },
    (request) => settings.update(request.body, recorderOf(audit, request.raw)),
  )
}
