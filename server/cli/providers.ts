// `sallyport providers …`: the upstream APIs, and the keys for them, which go in and never come out.
import {
  type ProviderItem,
  providerKeyItem,
  providerKeyRequest,
  providerName,
  providersAnswer,
} from '@sallyport/contract'
import type { Command } from 'commander'
import { z } from 'zod'
import { type AdminClient, createAdminClient } from './admin-client.ts'
import { checkBody } from './arguments.ts'
import { clientArgument, findClient } from './client-reference.ts'
import { confirm, readSecretFromInput } from './confirm.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { type Column, formatTable } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type KeyOptions = RemoteOptions & { client?: string }
type SetOptions = KeyOptions & { apiKey?: string; apiKeyStdin?: true }

const columns: readonly Column<ProviderItem>[] = [
  { title: 'PROVIDER', cell: (provider) => provider.name },
  { title: 'KEY SOURCE', cell: (provider) => provider.key_source },
  { title: 'SHARED KEY', cell: ({ shared_key: key }) => (key ? `****${key.last4}` : '-') },
  { title: 'SET BY', cell: ({ shared_key: key }) => key?.source ?? '-' },
  { title: 'PRICED BY', cell: (provider) => provider.priced_by },
  { title: 'BASE URL', cell: (provider) => provider.base_url },
]

export function defineProviders(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list providers and whose key serves them')).action(
    async (options: RemoteOptions) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const answer = await gateway.call('GET', '/admin/api/providers', providersAnswer)
      if (options.json) return printLine(terminal, answer.text)
      printLine(terminal, formatTable(columns, answer.value.items))
    },
  )
  defineSetKey(command, terminal)
  defineRemoveKey(command, terminal)
}

function defineSetKey(command: Command, terminal: Terminal): void {
  addKeyOptions(command.command('set-key').description('set the key of a provider; it is never shown again'))
    .option('--api-key-stdin', 'read the key from standard input')
    .option('--api-key <key>', 'the key; others on this machine can see it in the list of processes')
    .action(async (name: string, options: SetOptions) => {
      if (Boolean(options.apiKey) === Boolean(options.apiKeyStdin)) {
        throw new CommandFailure(
          'give the key either with --api-key-stdin or with --api-key',
          exitCodes.usage,
        )
      }
      const apiKey = options.apiKey ?? (await readSecretFromInput(terminal, 'key'))
      const body = checkBody(providerKeyRequest, { api_key: apiKey })
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { path, owner } = await findKey(gateway, name, options)
      const answer = await gateway.call('PUT', path, providerKeyItem, { body })
      if (options.json) return printLine(terminal, answer.text)
      printLine(
        terminal,
        `${owner} key of ${name} is set: ****${answer.value.last4}. It is never shown again.`,
      )
    })
}

function defineRemoveKey(command: Command, terminal: Terminal): void {
  addKeyOptions(command.command('remove-key').description('remove the key of a provider'))
    .option('--yes', 'do not ask')
    .action(async (name: string, options: KeyOptions & { yes?: true }) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const { path, owner } = await findKey(gateway, name, options)
      await confirm(terminal, {
        consequence: `${owner} key of ${name} is removed and cannot be shown again; calls that need it are refused.`,
        expected: name,
        yes: options.yes === true,
      })
      // 204: there is no answer to print.
      await gateway.call('DELETE', path, z.undefined())
      if (!options.json) printLine(terminal, `${owner} key of ${name} is removed.`)
    })
}

function addKeyOptions(command: Command): Command {
  return addRemoteOptions(command)
    .argument('<provider>', 'name of the provider', parseName)
    .option('--client <client>', `a client's own key in place of the shared one: ${clientArgument}`)
}

function parseName(text: string): string {
  const parsed = providerName.safeParse(text)
  if (parsed.success) return text
  throw new CommandFailure(`"${text}" ${parsed.error.issues[0]?.message}`, exitCodes.usage)
}

async function findKey(gateway: AdminClient, name: string, { client }: KeyOptions) {
  if (client === undefined) return { path: `/admin/api/providers/${name}/key`, owner: 'The shared' }
  const { id, external_id: externalId } = await findClient(gateway, client)
  return { path: `/admin/api/clients/${id}/provider-keys/${name}`, owner: `${externalId}'s own` }
}
