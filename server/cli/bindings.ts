// `sallyport bindings …`: list the rules, make one ahead of first use, change, remove, ban.
import { type BindingItem, bindingItem, bindingsQuery, pageOf } from '@sallyport/contract'
import { type Command, Option } from 'commander'
import { type AdminClient, createAdminClient } from './admin-client.ts'
import { rowId } from './arguments.ts'
import { confirm, readSecretFromInput } from './confirm.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { addRuleOptions, type RuleOptions, ruleModes, ruleOf } from './rule-options.ts'
import { formatAge, formatList, formatTable, formatTime, printPage } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type ChangeOptions = RemoteOptions & RuleOptions
type ListOptions = RemoteOptions & {
  q?: string
  ip?: string
  status?: string
  mode?: string
  page?: string
  pageSize?: string
}

const bindingId = rowId('a binding', 'sallyport bindings list')

export function defineBindings(command: Command, terminal: Terminal): void {
  defineList(command, terminal)
  defineAdd(command, terminal)
  defineSetIp(command, terminal)
  defineUnbind(command, terminal)
  defineBan(command, terminal)
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list bindings, the newest first'))
    .option('--q <text>', 'token as it is shown, or its beginning')
    .option('--ip <address>', 'rules that cover this address')
    .addOption(new Option('--status <status>', 'state of the binding').choices(['active', 'banned']))
    .addOption(new Option('--mode <mode>', 'kind of the rule').choices(ruleModes))
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { q, ip, status, mode, page, pageSize } = options
      const query = { q, ip, status, mode, page, page_size: pageSize }
      const answer = await clientOf(terminal, options).call(
        'GET',
        '/admin/api/bindings',
        pageOf(bindingItem),
        { query },
      )
      const empty = emptyText(options, answer.value.total)
      printPage(terminal, answer, { json: options.json, columns: columns(terminal), empty })
    })
}

function defineAdd(command: Command, terminal: Terminal): void {
  const add = command.command('add').description('bind a token ahead of its first use')
  addRuleOptions(addRemoteOptions(add))
    .option('--token-stdin', 'read the token from standard input')
    .option('--token <token>', 'the token; others on this machine can see it in the list of processes')
    .action(async (options: ChangeOptions & { token?: string; tokenStdin?: true }) => {
      if (Boolean(options.token) === Boolean(options.tokenStdin)) {
        throw new CommandFailure('give the token either with --token-stdin or with --token', exitCodes.usage)
      }
      const rule = ruleOf(options)
      const token = options.token ?? (await readSecretFromInput(terminal, 'token'))
      await change(terminal, options, { path: '', body: { token, ...rule }, done: 'Bound' })
    })
}

function defineSetIp(command: Command, terminal: Terminal): void {
  const setIp = command.command('set-ip').argument('<id>', 'id of the binding', bindingId)
  addRuleOptions(
    addRemoteOptions(setIp.description('change from which addresses a token may be used')),
  ).action(async (id: number, options: ChangeOptions) => {
    const body = { id, ...ruleOf(options) }
    await change(terminal, options, { method: 'PUT', path: '/ip', body, done: 'Changed' })
  })
}

function defineUnbind(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('unbind').description('remove a binding'))
    .argument('<id>', 'id of the binding', bindingId)
    .option('--yes', 'do not ask')
    .action(async (id: number, options: RemoteOptions & { yes?: true }) => {
      const body = { id }
      await confirm(terminal, {
        consequence: `Without binding ${body.id}, the next address that uses its token binds it anew.`,
        expected: String(body.id),
        yes: options.yes === true,
      })
      await change(terminal, options, { path: '/unbind', body, done: 'Removed' })
    })
}

function defineBan(command: Command, terminal: Terminal): void {
  const verbs = [
    { name: 'ban', text: 'refuse a token from every address', done: 'Banned' },
    { name: 'unban', text: 'let a banned token be used again under its rule', done: 'Unbanned' },
  ]
  for (const { name, text, done } of verbs) {
    addRemoteOptions(command.command(name).description(text))
      .argument('<id>', 'id of the binding', bindingId)
      .action(async (id: number, options: RemoteOptions) => {
        await change(terminal, options, { path: `/${name}`, body: { id }, done })
      })
  }
}

async function change(
  terminal: Terminal,
  options: RemoteOptions,
  input: { method?: 'PUT'; path: string; body: object; done: string },
): Promise<void> {
  const { method = 'POST', path, body, done } = input
  const answer = await clientOf(terminal, options).call(method, `/admin/api/bindings${path}`, bindingItem, {
    body,
  })
  if (options.json) return printLine(terminal, answer.text)
  printLine(terminal, `${done}:`)
  printLine(terminal, formatTable(columns(terminal), [answer.value]))
}

function clientOf(terminal: Terminal, options: RemoteOptions): AdminClient {
  return createAdminClient(terminal, findTarget(terminal, options))
}

function columns(terminal: Terminal) {
  return [
    { title: 'ID', cell: (row: BindingItem) => String(row.id), align: 'right' as const },
    { title: 'TOKEN', cell: (row: BindingItem) => row.token_display },
    { title: 'STATUS', cell: (row: BindingItem) => row.status },
    { title: 'MODE', cell: (row: BindingItem) => row.mode },
    { title: 'ALLOWED', cell: (row: BindingItem) => formatList(row.allowed_ips) },
    { title: 'FIRST USED', cell: (row: BindingItem) => formatTime(row.first_used_at) },
    { title: 'LAST USED', cell: (row: BindingItem) => formatAge(row.last_used_at, terminal.now()) },
  ]
}

function emptyText(options: ListOptions, total: number): string {
  if (total > 0) return `This page is empty: there are ${total} in all.`
  const filters = Object.keys(bindingsQuery.shape).filter((key) => !key.startsWith('page'))
  const filtered = filters.some((key) => key in options)
  return filtered
    ? 'No binding matches.'
    : 'No bindings yet. A token is bound by its first call through the gateway.'
}
