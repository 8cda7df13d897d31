// `sallyport users …`: end users with their state, how far their onboarding is and the providers they brought a key for, never a key.
import { onboardingSteps, type UserItem, userItem, usersPage } from '@sallyport/contract'
import { type Command, Option } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { type Column, formatList, formatPageLine, formatTable, formatTime } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

type ListOptions = RemoteOptions & { q?: string; status?: string; page?: string; pageSize?: string }

const columns: readonly Column<UserItem>[] = [
  { title: 'ID', cell: (user) => String(user.id), align: 'right' },
  { title: 'USER ID', cell: (user) => user.user_id },
  { title: 'NAME', cell: (user) => user.name },
  { title: 'EMAIL', cell: (user) => user.email ?? '-' },
  { title: 'STATUS', cell: (user) => user.status },
  { title: 'OWN KEYS', cell: (user) => (user.providers.length > 0 ? formatList(user.providers) : 'none') },
  { title: 'ONBOARDING', cell: formatOnboarding },
  { title: 'SHARED KEYS', cell: (user) => (user.shared_keys ? 'allowed' : 'no') },
  { title: 'FIRST SEEN', cell: (user) => formatTime(user.created_at) },
  { title: 'LAST SEEN', cell: (user) => formatTime(user.last_seen_at) },
]

const developmentNote =
  'Development mode: the keys of users are read from ENV_FILE. Set DEPLOY_ENV to read each from the database.'

export function defineUsers(command: Command, terminal: Terminal): void {
  command.addHelpText(
    'after',
    "\nA user is a client, too: 'sallyport clients revoke ID' suspends one, 'sallyport clients show ID' shows all it has.",
  )
  defineList(command, terminal)
  defineShow(command, terminal)
}

function defineList(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('list').description('list end users and the providers of their keys'))
    .option('--q <text>', 'name, email or user id, or its beginning')
    .addOption(new Option('--status <status>', 'state of the user').choices(['active', 'suspended']))
    .option('--page <number>', 'page, from 1')
    .option('--page-size <number>', 'rows of a page, up to 200')
    .action(async (options: ListOptions) => {
      const { q, status, page, pageSize } = options
      const query = { q, status, page, page_size: pageSize }
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const answer = await gateway.call('GET', '/admin/api/users', usersPage, { query })
      if (options.json) return printLine(terminal, answer.text)
      if (answer.value.items.length > 0) {
        printLine(terminal, formatTable(columns, answer.value.items))
        printLine(terminal, formatPageLine(answer.value))
        if (answer.value.key_mode === 'development') printLine(terminal, developmentNote)
        return
      }
      const isFiltered = q !== undefined || status !== undefined || answer.value.total > 0
      printLine(
        terminal,
        isFiltered
          ? 'No user matches.'
          : 'No users yet. Each appears with the first call on a token of OIDC_ISSUER.',
      )
    })
}

function defineShow(command: Command, terminal: Terminal): void {
  addRemoteOptions(command.command('show').description('show an end user'))
    .argument('<user>', 'id of the user’s client, or the user id of its tokens')
    .action(async (reference: string, options: RemoteOptions) => {
      const gateway = createAdminClient(terminal, findTarget(terminal, options))
      const isRow = /^[1-9]\d{0,9}$/.test(reference)
      const path = `/admin/api/users/${isRow ? reference : await findByUserId(gateway, reference)}`
      const answer = await gateway.call('GET', path, userItem)
      if (options.json) return printLine(terminal, answer.text)
      printLine(terminal, formatTable(columns, [answer.value]))
      printLine(terminal, `\nIssuer: ${answer.value.issuer}`)
      const { onboarding } = answer.value
      if (!onboarding) return
      printLine(
        terminal,
        `Onboarding: begun ${formatTime(onboarding.started_at)}, ${describeEnd(answer.value)}`,
      )
    })
}

function formatOnboarding({ onboarding }: UserItem): string {
  if (onboarding === null) return 'not begun'
  if (onboarding.is_completed) return 'completed'
  return `step ${onboarding.current_step} of ${onboardingSteps.length}, ${onboarding.progress.toFixed(1)} %`
}

function describeEnd(user: UserItem): string {
  const at = user.onboarding?.completed_at ?? null
  return at === null ? `at ${formatOnboarding(user)}` : `completed ${formatTime(at)}`
}

/** Digits alone are an id of a client; other users are looked for among those whose id, name or email begins so. */
async function findByUserId(
  gateway: ReturnType<typeof createAdminClient>,
  reference: string,
): Promise<number> {
  if (reference.length > 255) throw new CommandFailure('that is too long for a user id', exitCodes.usage)
  const query = { q: reference, page_size: 200 }
  const { value } = await gateway.call('GET', '/admin/api/users', usersPage, { query })
  const found = value.items.filter((user) => user.user_id === reference)
  const [user, ...others] = found
  if (user && others.length === 0) return user.id
  throw new CommandFailure(
    user
      ? `several issuers have a user "${reference}": ${found.map(({ id }) => id).join(', ')}. Give the id of one`
      : `there is no user "${reference}". 'sallyport users list' shows all`,
  )
}
