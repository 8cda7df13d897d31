// `sallyport admin …`: the admin account, worked on directly in the database of this machine's gateway.
import type { Command } from 'commander'
import { createAuditLog } from '../admin/admin.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { resetAdminPassword } from '../identity/identity.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { Secret } from '../lib/secret.ts'
import { openDatabaseForCommand, type StoreDependencies } from '../store/store.ts'
import { readSecretFromInput } from './confirm.ts'
import { CommandFailure } from './failure.ts'
import { commandDependencies, isInstalled } from './installation.ts'
import { printLine, type Terminal } from './terminal.ts'

export function defineAdmin(command: Command, terminal: Terminal): void {
  command
    .command('reset-password')
    .description('set a new admin password; every session ends')
    .option(
      '--password-stdin',
      'read the new password from standard input; else one is made and printed once',
    )
    .action(async (options: { passwordStdin?: true }) => {
      const config = loadConfig({ env: terminal.env, workingDir: terminal.workingDir, createSecrets: false })
      refuseConfiguredPassword(config)
      refuseBeforeFirstStart(config)
      const given = options.passwordStdin
        ? new Secret(await readSecretFromInput(terminal, 'password'))
        : undefined
      const password = await resetPassword(commandDependencies(config, terminal), given)
      if (given) printLine(terminal, 'The admin password is changed.')
      else printLine(terminal, `New admin password, shown this once: ${password.reveal()}`)
      printLine(
        terminal,
        'Every session has ended. Until the gateway is started again, commands need SALLYPORT_ADMIN_PASSWORD.',
      )
    })
}

function refuseBeforeFirstStart(config: Config): void {
  if (isInstalled(config)) return
  throw new CommandFailure(
    `there is no installation in ${config.dataDir}: start the gateway once, or run this in its working folder with its DATA_DIR`,
  )
}

/** The next start would put the password of the environment back. */
function refuseConfiguredPassword(config: Config): void {
  if (config.adminPassword === null) return
  throw new CommandFailure(
    'ADMIN_PASSWORD is set and decides at every start: change it there and restart, or remove it first',
  )
}

async function resetPassword(dependencies: StoreDependencies, password: Secret | undefined): Promise<Secret> {
  const { config, clock } = dependencies
  const { database, publish, close } = await openDatabaseForCommand(dependencies)
  try {
    const audit = createAuditLog({ database, key: deriveKey(config.pepper, 'audit'), clock })
    const record = audit.recorderFor('command line', null)
    return await resetAdminPassword({ database, publish, record }, password)
  } finally {
    await close()
  }
}
