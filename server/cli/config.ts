// `sallyport config …`: is the configuration right, what is in force, and what may the file hold.
import { diagnosticsAnswer, type Settings, settingsAnswer } from '@sallyport/contract'
import type { Command } from 'commander'
import { type Config, configFileJsonSchema, describeConfig, loadConfig } from '../config/config.ts'
import { createAdminClient } from './admin-client.ts'
import { describeConfigFile } from './config-file-rows.ts'
import { CommandFailure } from './failure.ts'
import { formatTable } from './table.ts'
import { findTarget } from './target.ts'
import { printLine, type Terminal, warn } from './terminal.ts'

type ShownRow = { key: string; value: string; source: string; help: string }

/** The environment's names of the settings that can be changed live. */
const liveKeys: Readonly<Record<string, keyof Settings>> = {
  ALERT_WEBHOOK_URL: 'alert_webhook_url',
  ALERT_THRESHOLD_COUNT: 'alert_threshold_count',
  ALERT_THRESHOLD_SECONDS: 'alert_threshold_seconds',
  ARCHIVE_DAYS: 'archive_days',
  SENTINEL_FAILSAFE_MODE: 'failsafe_mode',
}

export function defineConfig(command: Command, terminal: Terminal): void {
  command
    .command('check')
    .description('check environment, .env and file; exit 78 when something is wrong')
    .action(() => {
      const config = readConfig(terminal)
      printLine(terminal, `The configuration is right (file: ${config.fileUsed ?? 'none'}).`)
    })
  command
    .command('show')
    .description('every value and where it comes from; secrets stay hidden')
    .option('--url <url>', 'gateway to ask for settings changed live (default: http://127.0.0.1:$APP_PORT)')
    .option('--json', 'print the rows as JSON')
    .action(async (options: { url?: string; json?: true }) => await show(terminal, options))
  command
    .command('schema')
    .description('print the JSON Schema of the YAML file')
    .action(() => printLine(terminal, JSON.stringify(configFileJsonSchema(), null, 2)))
}

function readConfig(terminal: Terminal): Config {
  return loadConfig({ env: terminal.env, workingDir: terminal.workingDir, createSecrets: false })
}

async function show(terminal: Terminal, options: { url?: string; json?: true }): Promise<void> {
  const config = readConfig(terminal)
  const live = await askLiveSettings(terminal, options.url)
  const rows = [
    ...describeConfig(config).map((row) => overlayLive(row, live)),
    ...describeConfigFile(config, configFileJsonSchema()),
  ]
  if (options.json) return printLine(terminal, JSON.stringify(rows, null, 2))
  const columns = [
    { title: 'KEY', cell: (row: ShownRow) => row.key },
    { title: 'VALUE', cell: (row: ShownRow) => row.value },
    { title: 'FROM', cell: (row: ShownRow) => row.source },
    { title: 'MEANING', cell: (row: ShownRow) => row.help },
  ]
  printLine(terminal, formatTable(columns, rows))
  printLine(terminal, `\nFile: ${config.fileUsed ?? 'none'}. Data folder: ${config.dataDir}`)
}

type LiveSettings = { settings: Settings; changed: readonly (keyof Settings)[] }

/** Null when no gateway could be asked; the reason goes to standard error, because the rows are then not the whole truth. */
async function askLiveSettings(terminal: Terminal, url: string | undefined): Promise<LiveSettings | null> {
  try {
    const client = createAdminClient(terminal, findTarget(terminal, url === undefined ? {} : { url }))
    const settings = await client.call('GET', '/admin/api/settings', settingsAnswer)
    const diagnostics = await client.call('GET', '/admin/api/diagnostics', diagnosticsAnswer)
    return { settings: settings.value, changed: diagnostics.value.live_settings }
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    warn(terminal, `settings changed live are not shown: ${error.message.split('\n', 1)[0]}`)
    return null
  }
}

function overlayLive(row: ShownRow, live: LiveSettings | null): ShownRow {
  const key = liveKeys[row.key]
  if (!live || !key || !live.changed.includes(key)) return row
  return { ...row, value: String(live.settings[key] ?? '-'), source: 'live' }
}
