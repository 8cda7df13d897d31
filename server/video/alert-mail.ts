// What an alert's mail says: when, who, where, how bad, and what was seen; the same in plain text and HTML.
import type { AlertFile, AlertRow } from './alert-rows.ts'

export type AlertMail = {
  to: string
  subject: string
  text: string
  html: string
  attachments: AlertFile[]
}

const attachedTexts = {
  clip: 'The clip attached shows the last seconds before this alert.',
  key_frames: 'The pictures attached are of the last seconds before this alert.',
  none: 'There is no picture of it.',
} as const

/** Null for an alert that has no recipient. */
export function writeAlertMail(
  alert: AlertRow,
  clientName: string,
  files: readonly AlertFile[],
): AlertMail | null {
  if (!alert.recipient) return null
  const what = oneLine(alert.incident_type ?? 'incident')
  const rows: [label: string, value: string][] = [
    ['Time', `${alert.created_at.toISOString().slice(0, 19).replace('T', ' ')} UTC`],
    ['Client', oneLine(clientName)],
    ['Camera', alert.camera_id],
    ['Risk', alert.risk_level],
    ['Incident', what],
  ]
  const attached = attachedTexts[alert.attachment ?? 'none']
  const reference = `Alert ${alert.id}`
  return {
    to: alert.recipient,
    subject: `[${alert.risk_level}] ${what} at camera ${alert.camera_id}, ${oneLine(clientName)}`.slice(
      0,
      200,
    ),
    text: [
      ...rows.map(([label, value]) => `${`${label}:`.padEnd(10)}${value}`),
      ...['', alert.analysis, '', attached, '', reference, ''],
    ].join('\n'),
    html: htmlOf({ rows, analysis: alert.analysis, attached, reference }),
    attachments: [...files],
  }
}

type MailContent = {
  rows: readonly (readonly [string, string])[]
  analysis: string
  attached: string
  reference: string
}

function htmlOf({ rows, analysis, attached, reference }: MailContent): string {
  const cells = rows.map(
    ([label, value]) =>
      `<tr><th style="text-align:left;padding:2px 16px 2px 0;color:#555;font-weight:normal">${label}</th><td style="padding:2px 0"><b>${escapeHtml(value)}</b></td></tr>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Alert</title></head>
<body style="font-family:sans-serif;font-size:15px;color:#222;max-width:640px">
<table style="border-collapse:collapse">${cells.join('')}</table>
<p style="white-space:pre-line;border-left:4px solid #c0392b;padding-left:12px">${escapeHtml(analysis)}</p>
<p>${escapeHtml(attached)}</p>
<p style="color:#777;font-size:12px">${escapeHtml(reference)}</p>
</body></html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Nothing that could begin a line of its own, or hide or turn what follows. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

/** Like `door-20261121T143300Z`. */
export function fileStem(cameraId: string, at: Date): string {
  return `${cameraId}-${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}
