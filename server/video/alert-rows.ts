// SQL of alerts; the client comes first in every look-up, but where a job of ours works through all of them.
import type { AlertItem, RiskLevel } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'

export type AlertRow = {
  id: string
  client_id: number
  camera_id: string
  risk_level: RiskLevel
  incident_type: string | null
  analysis: string
  state: AlertItem['state']
  recipient: string | null
  attachment: AlertItem['attachment']
  clip_ms: number | null
  clip_frames: number | null
  created_at: Date
  sent_at: Date | null
  failure: string | null
}

export type AlertFile = { filename: string; contentType: string; content: Buffer }

/** What an alert's mail carries. */
export type Attached = {
  attachment: NonNullable<AlertItem['attachment']>
  clipMs: number | null
  clipFrames: number | null
  files: readonly AlertFile[]
}

export const alertColumns =
  'id, client_id, camera_id, risk_level, incident_type, analysis, state, recipient, attachment, clip_ms, clip_frames, created_at, sent_at, failure'
const rowsPerTurn = 1000
const failureLengthMax = 500

/** Null: the client is gone. It stays until the transaction is over. */
export async function holdClient(
  tx: Queryable,
  clientId: number,
): Promise<{ name: string; email: string | null } | null> {
  const { rows } = await tx.query<{ name: string; email: string | null }>(
    'select name, email from clients where id = $1 for key share',
    [clientId],
  )
  return rows[0] ?? null
}

/** Whether the camera's last alert that is or will be mailed is younger than `since`. Holds off others of this camera. */
export async function isCoolingDown(
  tx: Queryable,
  camera: { clientId: number; cameraId: string },
  since: Date,
): Promise<boolean> {
  const lock = `alert:${camera.clientId}:${camera.cameraId}`
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lock])
  const { rowCount } = await tx.query(
    `select 1 from alerts where client_id = $1 and camera_id = $2 and created_at > $3 and state in ('queued', 'sent') limit 1`,
    [camera.clientId, camera.cameraId, since],
  )
  return rowCount > 0
}

export type NewAlert = Pick<
  AlertRow,
  'id' | 'client_id' | 'camera_id' | 'risk_level' | 'incident_type' | 'analysis' | 'state' | 'recipient'
> & { created_at: Date }

export function insertAlert(tx: Queryable, alert: NewAlert): Promise<unknown> {
  return tx.query(
    `insert into alerts (id, client_id, camera_id, risk_level, incident_type, analysis, state, recipient, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...[alert.id, alert.client_id, alert.camera_id, alert.risk_level, alert.incident_type],
      ...[alert.analysis, alert.state, alert.recipient, alert.created_at],
    ],
  )
}

/** False: somebody else did it before, or the alert is gone. */
export async function attach(
  tx: Queryable,
  alert: { clientId: number; alertId: string },
  attached: Attached,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update alerts set attachment = $3, clip_ms = $4, clip_frames = $5
     where client_id = $1 and id = $2 and state = 'queued' and attachment is null`,
    [alert.clientId, alert.alertId, attached.attachment, attached.clipMs, attached.clipFrames],
  )
  if (rowCount === 0) return false
  for (const [position, file] of attached.files.entries()) {
    await tx.query(
      'insert into alert_files (alert_id, position, filename, content_type, content) values ($1, $2, $3, $4, $5)',
      [alert.alertId, position, file.filename, file.contentType, file.content],
    )
  }
  return true
}

/** Null unless its mail is still owed. */
export async function readOwedAlert(
  database: Queryable,
  clientId: number,
  alertId: string,
): Promise<{ alert: AlertRow; clientName: string; files: AlertFile[] } | null> {
  const columns = alertColumns
    .split(', ')
    .map((column) => `alerts.${column}`)
    .join(', ')
  const { rows } = await database.query<AlertRow & { client_name: string }>(
    `select ${columns}, clients.name as client_name from alerts join clients on clients.id = alerts.client_id
     where alerts.client_id = $1 and alerts.id = $2 and alerts.state = 'queued'`,
    [clientId, alertId],
  )
  const [row] = rows
  if (!row) return null
  const { client_name: clientName, ...alert } = row
  const files = await database.query<{ filename: string; content_type: string; content: Buffer }>(
    'select filename, content_type, content from alert_files where alert_id = $1 order by position',
    [alertId],
  )
  return {
    ...{ alert, clientName },
    files: files.rows.map((file) => ({ ...file, contentType: file.content_type })),
  }
}

/** The mail was delivered, or given up: what it carried is no longer needed. */
export async function endAlert(
  tx: Queryable,
  { clientId, alertId }: { clientId: number; alertId: string },
  end: { state: 'sent'; at: Date } | { state: 'failed'; failure: string },
): Promise<void> {
  const { rowCount } = await tx.query(
    `update alerts set state = $3, sent_at = $4, failure = $5
     where client_id = $1 and id = $2 and state = 'queued'`,
    [
      ...[clientId, alertId, end.state],
      ...(end.state === 'sent' ? [end.at, null] : [null, end.failure.slice(0, failureLengthMax)]),
    ],
  )
  if (rowCount > 0) await tx.query('delete from alert_files where alert_id = $1', [alertId])
}

/** Alerts whose process ended, or had no room, before it made what they carry. */
export async function findUnattached(database: Queryable, before: Date) {
  const { rows } = await database.query<{ id: string; client_id: number }>(
    `select id, client_id from alerts where state = 'queued' and attachment is null and created_at < $1
     order by created_at limit ${rowsPerTurn}`,
    [before],
  )
  return rows.map((row) => ({ alertId: row.id, clientId: row.client_id }))
}

/** Gives up mails that nobody tries any more. */
export async function failAbandoned(database: Queryable, before: Date): Promise<number> {
  const { rowCount } = await database.query(
    `with failed as (
       update alerts set state = 'failed' where id in (
         select id from alerts where state = 'queued' and created_at < $1 limit ${rowsPerTurn}) returning id
     ), removed as (delete from alert_files where alert_id in (select id from failed))
     select 1 from failed`,
    [before],
  )
  return rowCount
}

/** In turns, so that no statement holds locks for long. */
export async function deleteOldAlerts(database: Queryable, before: Date): Promise<void> {
  for (;;) {
    const { rowCount } = await database.query(
      `delete from alerts where id in (select id from alerts where created_at < $1 limit ${rowsPerTurn})`,
      [before],
    )
    if (rowCount < rowsPerTurn) return
  }
}

export function deleteClientAlerts(tx: Queryable, clientId: number): Promise<unknown> {
  return tx.query('delete from alerts where client_id = $1', [clientId])
}
