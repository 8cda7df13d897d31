// `sallyport settings …`: what can be changed while the gateway runs.
import { type Settings, settingsAnswer } from '@sallyport/contract'
import type { Command } from 'commander'
import { createAdminClient } from './admin-client.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { formatTable } from './table.ts'
import { addRemoteOptions, findTarget, type RemoteOptions } from './target.ts'
import { printLine, type Terminal } from './terminal.ts'

const keys = Object.keys(settingsAnswer.shape) as (keyof Settings)[]
const wholeNumbers: readonly (keyof Settings)[] = [
  'alert_threshold_count',
  'alert_threshold_seconds',
  'archive_days',
]

export function defineSettings(command: Command, terminal: Terminal): void {
  const show = command.command('show', { isDefault: true }).description('show the settings in force')
  addRemoteOptions(show).action(async (options: RemoteOptions) => {
    await exchange(terminal, options, 'GET')
  })
  const set = command.command('set').description('change settings, on every replica at once')
  addRemoteOptions(set)
    .argument('<key=value...>', `keys: ${keys.join(', ')}`)
    .addHelpText('after', '\nExample: sallyport settings set alert_threshold_count=10 archive_days=30')
    .action(async (pairs: string[], options: RemoteOptions) => {
      await exchange(terminal, options, 'PUT', Object.fromEntries(pairs.map(parsePair)))
    })
}

async function exchange(
  terminal: Terminal,
  options: RemoteOptions,
  method: 'GET' | 'PUT',
  body?: object,
): Promise<void> {
  const client = createAdminClient(terminal, findTarget(terminal, options))
  const answer = await client.call(method, '/admin/api/settings', settingsAnswer, body ? { body } : {})
  if (options.json) return printLine(terminal, answer.text)
  const columns = [
    { title: 'SETTING', cell: (key: keyof Settings) => key },
    { title: 'VALUE', cell: (key: keyof Settings) => String(answer.value[key] ?? '-') },
  ]
  printLine(terminal, formatTable(columns, keys))
}

/** `archive_days=30` becomes a member of the request; whether 30 is in range is for the gateway to say. */
function parsePair(pair: string): [string, string | number | null] {
  const equals = pair.indexOf('=')
  const key = keys.find((candidate) => candidate === pair.slice(0, equals))
  if (equals < 0 || key === undefined) {
    throw new CommandFailure(
      `"${pair}" is not one of the settings as key=value. They are: ${keys.join(', ')}`,
      exitCodes.usage,
    )
  }
  const text = pair.slice(equals + 1)
  if (wholeNumbers.includes(key)) return [key, parseWholeNumber(key, text)]
  return [key, text === '' ? null : text]
}

function parseWholeNumber(key: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CommandFailure(`${key}: "${text}" is not a whole number. Example: ${key}=30`, exitCodes.usage)
}
