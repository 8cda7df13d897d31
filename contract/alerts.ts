// Shapes of alerts: what a camera raises, and the history of what was mailed.
import { z } from 'zod'
import { pageOf, pageQuery, rowNumber } from './admin.ts'
import { cameraId, riskLevel } from './video.ts'

const timestamp = z.iso.datetime()

export const alertRequest = z.strictObject({
  analysis: z.string().trim().min(1).max(10_000).describe('what was seen, in plain text'),
  risk_level: riskLevel,
  camera_id: cameraId.optional(),
  incident_type: z.string().trim().min(1).max(200).nullable().optional(),
})
export type AlertRequest = z.infer<typeof alertRequest>

export const alertAnswer = z.strictObject({
  status: z.literal('queued'),
  alert_id: z.uuid(),
  suppressed: z
    .literal(true)
    .optional()
    .describe('no mail of its own: the last alert of this camera is not old enough'),
})
export type AlertAnswer = z.infer<typeof alertAnswer>

export const alertState = z
  .enum(['queued', 'sent', 'failed', 'suppressed'])
  .describe('failed: given up after a day, or refused by the mail server for good')
export const alertAttachment = z.enum(['clip', 'key_frames', 'none'])

export const alertItem = z.strictObject({
  alert_id: z.uuid(),
  client_id: z.number().int(),
  camera_id: z.string(),
  risk_level: riskLevel,
  incident_type: z.string().nullable(),
  analysis: z.string(),
  state: alertState,
  recipient: z.string().nullable().describe('null: suppressed'),
  attachment: alertAttachment.nullable().describe('what the mail carries; null: not made yet, or suppressed'),
  clip_ms: z.number().int().nullable(),
  clip_frames: z.number().int().nullable(),
  created_at: timestamp,
  sent_at: timestamp.nullable(),
})
export type AlertItem = z.infer<typeof alertItem>
export const alertsPage = pageOf(alertItem)
export const adminAlertItem = alertItem.extend({
  failure: z.string().nullable().describe('why the mail server refused the mail for good'),
})
export type AdminAlertItem = z.infer<typeof adminAlertItem>
export const adminAlertsPage = pageOf(adminAlertItem)

const filters = {
  camera_id: cameraId.optional(),
  state: alertState.optional(),
}
export const alertsQuery = z.strictObject({ ...pageQuery, ...filters })
export const adminAlertsQuery = z.strictObject({
  ...pageQuery,
  ...filters,
  client_id: rowNumber.optional().describe('of one client'),
})
export type AlertsQuery = z.infer<typeof adminAlertsQuery>
