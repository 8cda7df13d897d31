// `sallyport export`: everything that the database holds, in one file, and its secrets in another.
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { type ArchiveHeader, exportDatabase, listJournals } from '../store/store.ts'
import { exportToFile } from './export-file.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { commandDependencies, loadCommandConfig, requireInstallation } from './installation.ts'
import { createProgressBar } from './progress-bar.ts'
import { writeSecrets } from './secrets-file.ts'
import type { Terminal } from './terminal.ts'
import { readVersion } from './version.ts'

type ExportOptions = { secrets?: string }

export function defineExport(command: Command, terminal: Terminal): void {
  command
    .argument('<file>', 'file to write; - for standard output')
    .option('--secrets <file>', 'write the secrets that the file needs to another file, as lines for .env')
    .addHelpText(
      'after',
      `
Works while the gateway runs; the file shows one moment. To move to another place, stop the gateway first.
Not in the file: the secrets (--secrets), .env and sallyport.yaml, the journal of calls that are not yet in the
database, camera frames, what is in Redis. 'sallyport import FILE' puts it into an empty database.`,
    )
    .action(async (file: string, options: ExportOptions) => await run(terminal, file, options))
}

async function run(terminal: Terminal, file: string, { secrets }: ExportOptions): Promise<void> {
  if (secrets === '-' || secrets === file) {
    throw new CommandFailure('--secrets: must be a file of its own, apart from the archive', exitCodes.usage)
  }
  const config = loadCommandConfig(terminal)
  requireInstallation(config)
  const bar = createProgressBar(terminal, 'rows')
  const header = await exportDatabase(commandDependencies(config, terminal), {
    product: readVersion(),
    write: (parts) => exportToFile(terminal, parts, file),
    onProgress: bar.show,
  }).finally(bar.end)
  if (secrets !== undefined) await writeSecrets(terminal, config, secrets)
  // What is said must not get into a file on standard output.
  const output = file === '-' ? terminal.stderr : terminal.stdout
  for (const line of describe(header, config, secrets !== undefined)) output.write(`${line}\n`)
}

function describe(
  { tables, created_at: time }: ArchiveHeader,
  config: Config,
  hasSecrets: boolean,
): string[] {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0)
  return [
    `${rows} rows of ${tables.length} tables, as they were at ${time}.`,
    'Not in it, to be carried over beside it:',
    `- ${describeSecrets(config, hasSecrets)}`,
    '- .env, sallyport.yaml and other variables of the gateway, keys of providers in the environment among them',
    ...describeJournals(config),
  ]
}

function describeSecrets(config: Config, hasSecrets: boolean): string {
  if (hasSecrets) return 'the secrets, in a file of their own now: keep the two apart'
  const place = config.embedded
    ? `secrets.json in ${config.dataDir}, and MASTER_KEY where it is set`
    : 'SENTINEL_HMAC_SECRET, ADMIN_JWT_SECRET and MASTER_KEY'
  return `the secrets, without which it is worthless: ${place}; or write them with --secrets`
}

function describeJournals(config: Config): string[] {
  const { inUse, left } = listJournals(config.dataDir)
  const lines: string[] = []
  if (inUse > 0) {
    lines.push('- what the running gateway writes from now on: stop it before you move, and export then')
  }
  if (left > 0) {
    lines.push(
      `- calls in ${config.dataDir}/journal that a killed gateway left: start the gateway once more, then export again`,
    )
  }
  return lines
}
