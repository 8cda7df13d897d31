// /api/alert and /api/alerts: a client's camera raises an alert, and the client sees what became of its alerts.
import {
  AppError,
  alertAnswer,
  alertRequest,
  alertsPage,
  alertsQuery,
  defaultCameraId,
} from '@sallyport/contract'
import type { Meter } from '../usage/usage.ts'
import type { Video } from '../video/video.ts'
import { answers, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'
import { runMetered } from './metered.ts'
import { requireScope } from './require-scope.ts'

export type AlertRouteDependencies = { video: Pick<Video, 'alerts'>; meter: Meter }

const path = '/api/alert'

/** Behind the authentication by API key. */
export function addAlertRoute(api: WebApi, { video, meter }: AlertRouteDependencies): void {
  const schema = {
    ...{ tags: ['video'], security: callerSecurity.api_key },
    summary: 'Mail an alert with a clip of what the camera has just seen; answered before the mail is made',
    body: alertRequest,
    response: { ...answers(alertAnswer), 202: alertAnswer },
  }
  api.post(path, { schema }, ({ body, raw }, reply) => {
    const { clientId, settings, scopes } = callerOf(raw)
    requireScope({ scopes }, 'alert')
    return runMetered({ meter, endpoint: path, request: raw, response: reply.raw }, async () => {
      const answer = await video.alerts.raise({
        ...{ clientId, settings, analysis: body.analysis, riskLevel: body.risk_level },
        cameraId: body.camera_id ?? defaultCameraId,
        incidentType: body.incident_type ?? null,
      })
      if (answer instanceof AppError) throw answer
      return { status: 202, answer }
    })
  })
}

/** Behind the authentication by API key or user token. */
export function addAlertHistoryRoute(api: WebApi, { video }: Pick<AlertRouteDependencies, 'video'>): void {
  const schema = {
    ...{ tags: ['video'], security: callerSecurity.client },
    summary: 'Your own alerts, newest first, and whether their mails were delivered',
    querystring: alertsQuery,
    response: answers(alertsPage),
  }
  api.get('/api/alerts', { schema }, async ({ query, raw }) => {
    const { clientId, scopes } = callerOf(raw)
    requireScope({ scopes }, 'alert')
    const { items, ...page } = await video.alerts.list({ ...query, client_id: clientId })
    // What a mail server says of itself is for the operator.
    return { ...page, items: items.map(({ failure: _failure, ...item }) => item) }
  })
}
