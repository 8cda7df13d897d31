// `sallyport devices …`: edge machines of clients; a device's secret is shown once, when it is made.
import {
  type DeviceItem,
  deviceCreateRequest,
  deviceId,
  deviceItem,
  devicesPage,
  deviceWithSecretAnswer,
  graceSeconds,
} from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { checkBody, listValue, wholeNumber } from './arguments.ts'
import { deviceHandout, publicUrlOf } from './client-handout.ts'
import { clientArgument, findClientId } from './client-reference.ts'
import { confirm } from './confirm.ts'
import { deviceColumns } from './device-columns.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { addBindingOptions, type BindingOptions, bindingOf } from './rule-options.ts'
import { formatTable, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type RegisterOptions = RemoteOptions &
  BindingOptions & {
    id: string
    client: string
    name?: string
    assistant?: string[]
    requestsPerMinute?: number
  }
type ListOptions = RemoteOptions & { client?: string; page?: string; pageSize?: string }

export function defineDevices(command: Command, terminal: Terminal): void {
  defineRegister(command, terminal)
  defineList(command, terminal)
  defineRevoke(command, terminal)
  defineReactivate(command, terminal)
  defineRotateSecret(command, terminal)
}

function defineRegister(command: Command, terminal: Terminal): void {
  const register = command
    .command('register')
    .description('add a device to a client; its secret is shown once')
  addBindingOptions(addRemoteOptions(register))
    .requiredOption('--id <device_id>', 'how the device calls itself, e.g. pi_urbanjungle_001')
    .requiredOption('--client <client>', clientArgument)
    .option('--name <name>', 'what people call it')
    .option('--assistant <id...>', 'the only VAPI assistants that it may start (default: all)', listValue)
    .option(
      '--requests-per-minute <number>',
      'limit of this device (default: none)',
      wholeNumber('--requests-per-minute', 1, 1_000_000),
    )
    .action(async (options: RegisterOptions) => {
      const body = bodyOf(options)
      const target = findTarget(terminal, options)
      const gateway = createAdminClient(terminal, target)
      const answer = await gateway.call('POST', '/admin/api/devices', deviceWithSecretAnswer, { body })
      if (options.json) return printLine(terminal, answer.text)
      printDeviceWithSecret(terminal, answer.value, publicUrlOf(target, options))
    })
}

function bodyOf(options: RegisterOptions) {
  const { id, client, name, assistant, requestsPerMinute } = options
  const binding = bindingOf(options)
  const body = {
    device_id: id,
    ...(/^[1-9]\d{0,9}$/.test(client) ? { client_id: Number(client) } : { customer_id: client }),
    ...(name === undefined ? {} : { name }),
    ...(assistant === undefined ? {} : { assistants: assistant }),
    ...(requestsPerMinute === undefined ? {} : { requests_per_minute: requestsPerMinute }),
    ...(binding === undefined ? {} : { binding }),
  }
  const optionNames = { device_id: '--id', client_id: '--client', customer_id: '--client' }
  return checkBody(deviceCreateRequest, body, { ...optionNames, assistants: '--assistant' })
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list devices'))
    .option('--client <client>', `only those of a client: ${clientArgument}`)
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { client, page, pageSize } = options
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const clientId = await findClientId(gateway, client)
      const query = { client_id: clientId, page, page_size: pageSize }
      const answer = await gateway.call('GET', '/admin/api/devices', devicesPage, { query })
      const empty = 'No devices. Add one: sallyport devices register --id … --client …'
      printPage(terminal, answer, { json: options.json, columns: deviceColumns(terminal), empty })
    })
}

function defineRevoke(command: Command, terminal: Terminal): void {
  addRemoteOptions(
    command.command('revoke').description('refuse a device: all its tokens die at once, for good'),
  )
    .argument('<device_id>', 'the device', parseDeviceId)
    .option('--yes', 'do not ask')
    .action(async (id: string, options: RemoteOptions & { yes?: true }) => {
      await confirm(terminal, {
        consequence: `The device ${id} is refused from the next request on, and its tokens never work again.`,
        expected: id,
        yes: options.yes === true,
      })
      await change(terminal, options, { id, verb: 'revoke', done: 'Revoked' })
    })
}

function defineReactivate(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('reactivate').description('let a revoked device authenticate again'))
    .argument('<device_id>', 'the device', parseDeviceId)
    .action((id: string, options: RemoteOptions) =>
      change(terminal, options, { id, verb: 'reactivate', done: 'Reactivated' }),
    )
}

function defineRotateSecret(command: Command, terminal: Terminal): void {
  const longest = graceSeconds.maxValue ?? 0
  const rotate = command.command('rotate-secret').description('give a device a new secret; it is shown once')
  addRemoteOptions(rotate)
    .argument('<device_id>', 'the device', parseDeviceId)
    .option(
      '--grace-seconds <number>',
      `how long the old secret still works, up to ${longest} (default: 0)`,
      wholeNumber('--grace-seconds', 0, longest),
    )
    .action(async (id: string, options: RemoteOptions & { graceSeconds?: number }) => {
      const body = options.graceSeconds === undefined ? {} : { grace_seconds: options.graceSeconds }
      const target = findTarget(terminal, options)
      const gateway = createAdminClient(terminal, target)
      const answer = await gateway.call('POST', `${pathOf(id)}/rotate-secret`, deviceWithSecretAnswer, {
        body,
      })
      if (options.json) return printLine(terminal, answer.text)
      printDeviceWithSecret(terminal, answer.value, publicUrlOf(target, options))
    })
}

function parseDeviceId(text: string): string {
  const parsed = deviceId.safeParse(text)
  if (parsed.success) return text
  throw new CommandFailure(
    `"${text}" is not a device id: it ${parsed.error.issues[0]?.message}`,
    exitCodes.usage,
  )
}

function pathOf(id: string): string {
  return `/admin/api/devices/${encodeURIComponent(id)}`
}

async function change(
  terminal: Terminal,
  options: RemoteOptions,
  { id, verb, done }: { id: string; verb: string; done: string },
): Promise<void> {
  const gateway = createAdminClient(terminal, findTarget(terminal, options))
  const answer = await gateway.call('POST', `${pathOf(id)}/${verb}`, deviceItem)
  if (options.json) return printLine(terminal, answer.text)
  printLine(terminal, `${done}:`)
  printLine(terminal, formatTable(deviceColumns(terminal), [answer.value]))
}

function printDeviceWithSecret(
  terminal: Terminal,
  { device, device_secret: secret }: { device: DeviceItem; device_secret: string },
  url: string,
): void {
  printLine(terminal, `${formatTable(deviceColumns(terminal), [device])}\n`)
  printLine(terminal, `Device secret: ${secret}\n`)
  printLine(
    terminal,
    'Keep it now: it is shown this once and cannot be shown again, only its digest is stored.',
  )
  printLine(terminal, `If it is lost: sallyport devices rotate-secret ${device.device_id}\n`)
  printLine(terminal, deviceHandout(device, secret, url))
}
