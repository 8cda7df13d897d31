// `sallyport clients …`: whom the gateway serves; made with a first key, suspended with everything they have, deleted.
import { clientCreateRequest, clientItem, clientsPage, clientWithKeyAnswer } from '@sallyport/contract'
import { type Command, Option } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { checkBody } from './arguments.ts'
import { defineBudget } from './budgets.ts'
import { clientHandout, describeCreatedKey, publicUrlOf } from './client-handout.ts'
import { clientArgument, findClient } from './client-reference.ts'
import { printBelongings, printClient, printClients } from './client-views.ts'
import { confirm } from './confirm.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type CreateOptions = RemoteOptions & { name: string; email: string; externalId?: string }
type ListOptions = RemoteOptions & {
  q?: string
  status?: string
  kind?: string
  page?: string
  pageSize?: string
}
type SureOptions = RemoteOptions & { yes?: true }
type ClientChange = { method?: 'POST' | 'DELETE'; path?: string; query?: { usage?: string }; done: string }

export function defineClients(command: Command, terminal: Terminal): void {
  defineCreate(command, terminal)
  defineList(command, terminal)
  defineShow(command, terminal)
  defineRevoke(command, terminal)
  defineReactivate(command, terminal)
  defineDelete(command, terminal)
  defineBudget(command, terminal)
}

function defineCreate(command: Command, terminal: Terminal): void {
  addRemoteOptions(
    command.command('create').description('make a client and its first key, which is shown once'),
  )
    .requiredOption('--name <name>', 'name, e.g. "Acme Corporation"')
    .requiredOption('--email <address>', 'where its mail goes')
    .option('--external-id <id>', 'how its devices name it, e.g. acme (default: made of the name)')
    .action(async (options: CreateOptions) => {
      const { name, email, externalId } = options
      const body = checkBody(clientCreateRequest, {
        ...{ name, email },
        ...(externalId === undefined ? {} : { external_id: externalId }),
      })
      const target = findTarget(terminal, options)
      const gateway = createAdminClient(terminal, target)
      const answer = await gateway.call('POST', '/admin/api/clients', clientWithKeyAnswer, { body })
      if (options.json) return printLine(terminal, answer.text)
      const { client, api_key: apiKey } = answer.value
      printClient(terminal, client)
      printLine(terminal, `\n${describeCreatedKey(apiKey, `sallyport keys add --client ${client.id}`)}\n`)
      printLine(terminal, clientHandout(client, apiKey, publicUrlOf(target, options)))
    })
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list clients and their keys'))
    .option('--q <text>', 'name, email or external_id, or its beginning')
    .addOption(new Option('--status <status>', 'state of the client').choices(['active', 'suspended']))
    .addOption(new Option('--kind <kind>', 'made by you, or end users').choices(['client', 'user']))
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { q, status, kind, page, pageSize } = options
      const query = { q, status, kind, page, page_size: pageSize }
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const answer = await gateway.call('GET', '/admin/api/clients', clientsPage, { query })
      if (options.json) return printLine(terminal, answer.text)
      if (answer.value.items.length > 0) return await printClients(terminal, gateway, answer.value)
      const isFiltered = (q ?? status ?? kind) !== undefined || answer.value.total > 0
      printLine(
        terminal,
        isFiltered
          ? 'No client matches.'
          : 'No clients yet. Make one: sallyport clients create --name … --email …',
      )
    })
}

function defineShow(command: Command, terminal: Terminal): void {
  addRemoteOptions(
    command.command('show').description('show a client with its keys, devices and provider keys'),
  )
    .argument('<client>', clientArgument)
    .action(async (reference: string, options: RemoteOptions) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const client = await findClient(gateway, reference)
      if (options.json) {
        const answer = await gateway.call('GET', `/admin/api/clients/${client.id}`, clientItem)
        return printLine(terminal, answer.text)
      }
      printClient(terminal, client)
      await printBelongings(terminal, gateway, client)
    })
}

function defineRevoke(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('revoke').description('suspend a client: all its credentials die at once'))
    .argument('<client>', clientArgument)
    .option('--yes', 'do not ask')
    .action(async (reference: string, options: SureOptions) => {
      const change = await openChange(terminal, reference, options)
      await change.confirm('all its keys and devices are refused from the next request on')
      await change.send({ path: '/revoke', done: 'Suspended' })
    })
}

function defineReactivate(command: Command, terminal: Terminal): void {
  const reactivate = command
    .command('reactivate')
    .description('end a suspension; what was revoked one by one stays revoked')
  addRemoteOptions(reactivate)
    .argument('<client>', clientArgument)
    .action(async (reference: string, options: RemoteOptions) => {
      const change = await openChange(terminal, reference, options)
      await change.send({ path: '/reactivate', done: 'Reactivated' })
    })
}

function defineDelete(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('delete').description('delete a client and all that belongs to it'))
    .argument('<client>', clientArgument)
    .addOption(
      new Option('--usage <what>', 'usage that no invoice holds yet: invoice it first, or drop it')
        .choices(['invoice', 'drop'])
        .default('invoice'),
    )
    .option('--yes', 'do not ask')
    .action(async (reference: string, options: SureOptions & { usage: string }) => {
      const change = await openChange(terminal, reference, options)
      await change.confirm('its keys, devices, provider keys and bindings are removed for good')
      await change.send({ method: 'DELETE', query: { usage: options.usage }, done: 'Deleted' })
    })
}

/** A change of one client: the person sees which one it is before typing its name. */
async function openChange(terminal: Terminal, reference: string, options: SureOptions) {
  const gateway = createAdminClient(terminal, findTarget(terminal, options))
  const client = await findClient(gateway, reference)
  return {
    confirm: (consequence: string) =>
      confirm(terminal, {
        consequence: `Client ${client.id}, ${client.name}: ${consequence}.`,
        expected: client.external_id,
        yes: options.yes === true,
      }),
    async send({ method = 'POST', path = '', query = {}, done }: ClientChange) {
      const url = `/admin/api/clients/${client.id}${path}`
      const answer = await gateway.call(method, url, clientItem, { query })
      if (options.json) return printLine(terminal, answer.text)
      printLine(terminal, `${done}:`)
      printClient(terminal, answer.value)
    },
  }
}
