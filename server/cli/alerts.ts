// `sallyport alerts …`: what cameras of clients have raised, and what became of the mails.
import { type AdminAlertItem, type AlertItem, adminAlertsPage } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { clientArgument, findClientId } from './client-reference.ts'
import { type Column, describeEmptyPage, formatTime, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import type { Terminal } from './terminal.ts'

type ListOptions = RemoteOptions & {
  client?: string
  camera?: string
  state?: string
  page?: string
  pageSize?: string
}

const columns: readonly Column<AdminAlertItem>[] = [
  { title: 'TIME', cell: (row) => formatTime(row.created_at) },
  { title: 'CLIENT', cell: (row) => String(row.client_id), align: 'right' },
  { title: 'CAMERA', cell: (row) => row.camera_id },
  { title: 'RISK', cell: (row) => row.risk_level },
  { title: 'INCIDENT', cell: (row) => row.incident_type ?? '-' },
  { title: 'STATE', cell: (row) => (row.failure === null ? row.state : `${row.state}: ${row.failure}`) },
  { title: 'SENT', cell: (row) => formatTime(row.sent_at) },
  { title: 'TO', cell: (row) => row.recipient ?? '-' },
  { title: 'CARRIES', cell: formatAttachment },
  { title: 'ALERT', cell: (row) => row.alert_id },
]

export function defineAlerts(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list alerts, newest first'))
    .option('--client <client>', `only those of a client: ${clientArgument}`)
    .option('--camera <name>', 'only those of cameras of this name')
    .option('--state <state>', 'queued, sent, failed or suppressed')
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { client, camera, state, page, pageSize } = options
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const clientId = await findClientId(gateway, client)
      const query = { client_id: clientId, camera_id: camera, state, page, page_size: pageSize }
      const answer = await gateway.call('GET', '/admin/api/alerts', adminAlertsPage, { query })
      const empty = describeEmptyPage(answer.value, 'No alerts.')
      printPage(terminal, answer, { json: options.json, columns, empty })
    })
}

function formatAttachment({ attachment, clip_ms: clipMs, clip_frames: frames }: AlertItem): string {
  if (attachment === 'clip') return `clip of ${((clipMs ?? 0) / 1000).toFixed(1)} s, ${frames} frames`
  if (attachment === null) return '-'
  return attachment === 'key_frames' ? 'key frames' : 'no picture'
}
