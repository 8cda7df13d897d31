// `sallyport keys …`: the API keys of clients; a key is shown once, when it is made.
import {
  graceSeconds,
  type KeyItem,
  keyCreateRequest,
  keyItem,
  keysPage,
  keyWithSecretAnswer,
} from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { checkBody, listValue, rowId, timeValue, wholeNumber } from './arguments.ts'
import { describeCreatedKey } from './client-handout.ts'
import { clientArgument, findClient } from './client-reference.ts'
import { confirm } from './confirm.ts'
import { keyColumns } from './key-columns.ts'
import { addBindingOptions, type BindingOptions, bindingOf } from './rule-options.ts'
import { formatTable, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type AddOptions = RemoteOptions &
  BindingOptions & {
    client: string
    name?: string
    expiresAt?: string
    scope?: string[]
    model?: string[]
    requestsPerMinute?: number
  }

type KeyWithSecret = { key: KeyItem; api_key: string }

const keyId = rowId('a key', 'sallyport keys list --client ID')

export function defineKeys(command: Command, terminal: Terminal): void {
  defineAdd(command, terminal)
  defineList(command, terminal)
  defineRotate(command, terminal)
  defineRevoke(command, terminal)
  defineReactivate(command, terminal)
}

function defineAdd(command: Command, terminal: Terminal): void {
  const add = command.command('add').description('make another key of a client; it is shown once')
  addBindingOptions(addRemoteOptions(add))
    .requiredOption('--client <client>', clientArgument)
    .option('--name <name>', 'what it is for')
    .option(
      '--expires-at <time>',
      'when it ends, e.g. 2027-01-31 (default: never)',
      timeValue('--expires-at'),
    )
    .option(
      '--scope <scope...>',
      'video, alert, usage, proxy or proxy:PROVIDER (default: everything)',
      listValue,
    )
    .option('--model <model...>', 'the only models that it may call (default: all)', listValue)
    .option(
      '--requests-per-minute <number>',
      'limit of this key (default: none)',
      wholeNumber('--requests-per-minute', 1, 1_000_000),
    )
    .action(async (options: AddOptions) => {
      const body = bodyOf(options)
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { id } = await findClient(gateway, options.client)
      const path = `/admin/api/clients/${id}/keys`
      const answer = await gateway.call('POST', path, keyWithSecretAnswer, { body })
      if (options.json) return printLine(terminal, answer.text)
      printKeyWithSecret(terminal, answer.value)
    })
}

function bodyOf(options: AddOptions) {
  const { name, expiresAt, scope, model, requestsPerMinute } = options
  const binding = bindingOf(options)
  const body = {
    ...(name === undefined ? {} : { name }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(model === undefined ? {} : { models: model }),
    ...(requestsPerMinute === undefined ? {} : { requests_per_minute: requestsPerMinute }),
    ...(binding === undefined ? {} : { binding }),
  }
  return checkBody(keyCreateRequest, body, { scopes: '--scope', models: '--model' })
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list the keys of a client'))
    .requiredOption('--client <client>', clientArgument)
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: RemoteOptions & { client: string; page?: string; pageSize?: string }) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { id } = await findClient(gateway, options.client)
      const query = { page: options.page, page_size: options.pageSize }
      const answer = await gateway.call('GET', `/admin/api/clients/${id}/keys`, keysPage, { query })
      const empty = `No keys. Make one: sallyport keys add --client ${id}`
      printPage(terminal, answer, { json: options.json, columns: keyColumns(terminal), empty })
    })
}

function defineRotate(command: Command, terminal: Terminal): void {
  const longest = graceSeconds.maxValue ?? 0
  addRemoteOptions(command.command('rotate').description('give a key a new secret; it is shown once'))
    .argument('<id>', 'id of the key', keyId)
    .option(
      '--grace-seconds <number>',
      `how long the old secret still works, up to ${longest} (default: 86400, one day)`,
      wholeNumber('--grace-seconds', 0, longest),
    )
    .action(async (id: number, options: RemoteOptions & { graceSeconds?: number }) => {
      const body = options.graceSeconds === undefined ? {} : { grace_seconds: options.graceSeconds }
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const answer = await gateway.call('POST', `/admin/api/keys/${id}/rotate`, keyWithSecretAnswer, { body })
      if (options.json) return printLine(terminal, answer.text)
      printKeyWithSecret(terminal, answer.value)
    })
}

function defineRevoke(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('revoke').description('refuse a key from its next request on'))
    .argument('<id>', 'id of the key', keyId)
    .option('--yes', 'do not ask')
    .action(async (id: number, options: RemoteOptions & { yes?: true }) => {
      await confirm(terminal, {
        consequence: `Whoever uses key ${id} is refused from the next request on.`,
        expected: String(id),
        yes: options.yes === true,
      })
      await change(terminal, options, { id, verb: 'revoke', done: 'Revoked' })
    })
}

function defineReactivate(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('reactivate').description('take the revocation of a key back'))
    .argument('<id>', 'id of the key', keyId)
    .action((id: number, options: RemoteOptions) =>
      change(terminal, options, { id, verb: 'reactivate', done: 'Reactivated' }),
    )
}

async function change(
  terminal: Terminal,
  options: RemoteOptions,
  { id, verb, done }: { id: number; verb: string; done: string },
): Promise<void> {
  const gateway = createAdminClient(terminal, findTarget(terminal, options))
  const answer = await gateway.call('POST', `/admin/api/keys/${id}/${verb}`, keyItem)
  if (options.json) return printLine(terminal, answer.text)
  printLine(terminal, `${done}:`)
  printLine(terminal, formatTable(keyColumns(terminal), [answer.value]))
}

function printKeyWithSecret(terminal: Terminal, { key, api_key: apiKey }: KeyWithSecret): void {
  printLine(terminal, `${formatTable(keyColumns(terminal), [key])}\n`)
  printLine(terminal, describeCreatedKey(apiKey, `sallyport keys rotate ${key.id}`))
}
