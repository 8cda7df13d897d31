// Alerts of cameras: one incident becomes one mail with what was seen, and one row of history; the caller waits for none of it.
import {
  type AdminAlertItem,
  type AlertAnswer,
  type AlertsQuery,
  AppError,
  type ClientSettings,
  type RiskLevel,
} from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createUuidV7 } from '../lib/uuid-v7.ts'
import {
  createConditions,
  type Database,
  type Jobs,
  type Page,
  type Queryable,
  selectPage,
} from '../store/store.ts'
import { type AlertMail, writeAlertMail } from './alert-mail.ts'
import {
  type AlertRow,
  alertColumns,
  deleteClientAlerts,
  endAlert,
  holdClient,
  insertAlert,
  isCoolingDown,
  readOwedAlert,
} from './alert-rows.ts'
import { createAlertWork } from './alert-work.ts'
import type { FrameBuffers } from './video-types.ts'

export type AlertOrder = {
  clientId: number
  settings: ClientSettings
  cameraId: string
  analysis: string
  riskLevel: RiskLevel
  incidentType: string | null
}

export type Alerts = {
  /** Refusals: `mail_not_configured` (no server, or nobody to write to), `invalid_credential` (the client is gone). */
  raise(order: AlertOrder): Promise<AlertAnswer | AppError>
  list(query: AlertsQuery): Promise<Page<AdminAlertItem>>
  /** Part of deleting a client. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
  close(): Promise<void>
}

/** What alerts need of the outbox. */
export type AlertOutbox = {
  isMailConfigured(): boolean
  registerMail<Data extends object>(
    kind: string,
    render: (data: Data) => Promise<AlertMail | null>,
    outcomes: {
      delivered(data: Data): Promise<void>
      refused(data: Data, reason: string): Promise<void>
    },
  ): Promise<void>
  enqueueMail(tx: Queryable, kind: string, data: object, key: string): Promise<void>
  enqueueWebhook(tx: Queryable, body: object, key: string): Promise<void>
}

export type AlertDependencies = {
  config: Pick<Config, 'video' | 'mailTo' | 'ffmpegPath'> & {
    limits: Pick<Config['limits'], 'video'>
    retention: Pick<Config['retention'], 'alerts_days'>
  }
  outbox: AlertOutbox
  database: Database
  jobs: Pick<Jobs, 'schedule'>
  frames: Pick<FrameBuffers, 'all'>
  clock: Clock
  logger: Logger
}

export const alertMailKind = 'alert'
/** Names an alert in the outbox. */
export type AlertReference = { clientId: number; alertId: string }

export async function createAlerts(dependencies: AlertDependencies): Promise<Alerts> {
  const { config, outbox, database, frames, clock } = dependencies
  const work = await createAlertWork(dependencies)
  const end = (reference: AlertReference, outcome: Parameters<typeof endAlert>[2]) =>
    database.transaction((tx) => endAlert(tx, reference, outcome))

  await outbox.registerMail<AlertReference>(
    alertMailKind,
    async ({ clientId, alertId }) => {
      const owed = await readOwedAlert(database, clientId, alertId)
      return owed && writeAlertMail(owed.alert, owed.clientName, owed.files)
    },
    {
      delivered: (reference) => end(reference, { state: 'sent', at: new Date(clock.now()) }),
      refused: (reference, failure) => end(reference, { state: 'failed', failure }),
    },
  )

  function chooseRecipient(settings: ClientSettings, email: string | null): string | AppError {
    const recipient = settings.alert_email ?? email ?? config.mailTo
    if (recipient) return recipient
    return new AppError('mail_not_configured', {
      message:
        'There is nobody to send the alert to: this client has no address. The operator gives it one, or sets MAIL_TO.',
    })
  }

  async function write(tx: Queryable, order: AlertOrder): Promise<AlertAnswer | AppError> {
    const client = await holdClient(tx, order.clientId)
    if (!client) return new AppError('invalid_credential')
    const recipient = chooseRecipient(order.settings, client.email)
    if (recipient instanceof AppError) return recipient
    const { clientId, cameraId, settings } = order
    const cooldownSeconds = settings.video?.alert_cooldown_seconds ?? config.video.alert_cooldown_seconds
    const now = clock.now()
    const since = new Date(now - cooldownSeconds * 1000)
    const isSuppressed = cooldownSeconds > 0 && (await isCoolingDown(tx, { clientId, cameraId }, since))
    const id = createUuidV7(now)
    await insertAlert(tx, {
      ...{ id, client_id: clientId, camera_id: cameraId, risk_level: order.riskLevel },
      ...{ incident_type: order.incidentType, analysis: order.analysis, created_at: new Date(now) },
      ...(isSuppressed
        ? { state: 'suppressed' as const, recipient: null }
        : { state: 'queued' as const, recipient }),
    })
    if (isSuppressed) return { status: 'queued', alert_id: id, suppressed: true }
    await outbox.enqueueWebhook(tx, webhookOf(order, id, client.name, new Date(now)), `alert:${id}`)
    return { status: 'queued', alert_id: id }
  }

  return {
    async raise(order) {
      if (!outbox.isMailConfigured()) return new AppError('mail_not_configured')
      // What the camera has seen up to now, whatever comes in while the row is written.
      const seen = frames.all(order)
      const answer = await database.transaction((tx) => write(tx, order))
      if (answer instanceof AppError || answer.suppressed) return answer
      const { clientId, cameraId } = order
      work.add({ clientId, cameraId, alertId: answer.alert_id, frames: seen })
      return answer
    },
    async list({ client_id: clientId, camera_id: cameraId, state, page, page_size: pageSize }) {
      const conditions = createConditions()
      if (clientId !== undefined) conditions.add((value) => `client_id = ${value}`, clientId)
      if (cameraId !== undefined) conditions.add((value) => `camera_id = ${value}`, cameraId)
      if (state !== undefined) conditions.add((value) => `state = ${value}`, state)
      const found = await selectPage<AlertRow>(database, {
        ...{ table: 'alerts', columns: alertColumns, order: ['id'], conditions, page, pageSize },
      })
      return { ...found, items: found.items.map(toItem) }
    },
    async removeClient(tx, clientId) {
      await deleteClientAlerts(tx, clientId)
    },
    close: work.close,
  }
}

function webhookOf(order: AlertOrder, alertId: string, clientName: string, at: Date): object {
  return {
    event: 'incident_alert',
    alert_id: alertId,
    client_id: order.clientId,
    client_name: clientName,
    camera_id: order.cameraId,
    risk_level: order.riskLevel,
    incident_type: order.incidentType,
    analysis: order.analysis,
    timestamp: at.toISOString(),
  }
}

function toItem({ id, created_at, sent_at, ...row }: AlertRow): AdminAlertItem {
  return {
    ...{ alert_id: id, ...row },
    created_at: created_at.toISOString(),
    sent_at: sent_at?.toISOString() ?? null,
  }
}
