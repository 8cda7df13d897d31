// `sallyport cameras …`: which cameras clients have, and how much of them the gateway keeps.
import { adminCamerasPage, type CameraItem } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { clientArgument, findClientId } from './client-reference.ts'
import { type Column, formatAge, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import type { Terminal } from './terminal.ts'

type ListOptions = RemoteOptions & { client?: string; page?: string; pageSize?: string }

export function defineCameras(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list cameras and how many of their frames are kept'))
    .option('--client <client>', `only those of a client: ${clientArgument}`)
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { client, page, pageSize } = options
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const clientId = await findClientId(gateway, client)
      const query = { client_id: clientId, page, page_size: pageSize }
      const answer = await gateway.call('GET', '/admin/api/cameras', adminCamerasPage, { query })
      const empty = 'No cameras. One comes into being with its first frame.'
      printPage(terminal, answer, { json: options.json, columns: cameraColumns(terminal), empty })
    })
}

function cameraColumns(terminal: Terminal): Column<CameraItem>[] {
  return [
    { title: 'CLIENT', cell: (camera) => String(camera.client_id) },
    { title: 'CAMERA', cell: (camera) => camera.camera_id },
    { title: 'FRAMES', cell: ({ buffer }) => String(buffer?.frames ?? 0) },
    { title: 'BYTES', cell: ({ buffer }) => String(buffer?.bytes ?? 0) },
    { title: 'A SECOND', cell: ({ buffer }) => buffer?.frames_per_second?.toFixed(1) ?? '-' },
    { title: 'LAST SEEN', cell: (camera) => formatAge(camera.last_seen_at, terminal.now()) },
  ]
}
