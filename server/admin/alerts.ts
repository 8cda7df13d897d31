// /admin/api/alerts: the alerts of all clients, and whether their mails were delivered.
import { adminAlertsPage, adminAlertsQuery } from '@sallyport/contract'
import type { Video } from '../video/video.ts'
import { answers, type WebApi } from '../web/web.ts'

export type AlertRouteDependencies = { video: Pick<Video, 'alerts'> }

export function addAlertRoutes(api: WebApi, { video }: AlertRouteDependencies): void {
  const schema = {
    tags: ['video'],
    summary: 'List alerts, newest first; never a clip',
    querystring: adminAlertsQuery,
    response: answers(adminAlertsPage),
  }
  api.get('/admin/api/alerts', { schema }, ({ query }) => video.alerts.list(query))
}
