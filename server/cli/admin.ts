// `sallyport admin …`: the admin account, worked on directly in the database of this machine's gateway.
import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { resetAdminPassword } from '../identity/identity.ts'
import { Secret } from '../lib/secret.ts'
import { readSecretFromInput } from './confirm.ts'
import { CommandFailure } from './failure.ts'
import { loadCommandConfig, withInstallation } from './installation.ts'
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
      const config = loadCommandConfig(terminal)
      refuseConfiguredPassword(config)
      const given = options.passwordStdin
        ? new Secret(await readSecretFromInput(terminal, 'password'))
        : undefined
      const password = await withInstallation(config, terminal, ({ database, notices, record }) =>
        resetAdminPassword({ database, publish: notices.publish, record }, given),
      )
      if (given) printLine(terminal, 'The admin password is changed.')
      else printLine(terminal, `New admin password, shown this once: ${password.reveal()}`)
      printLine(
        terminal,
        'Every session has ended. Until the gateway is started again, commands need SALLYPORT_ADMIN_PASSWORD.',
      )
    })
}

/** The next start would put the password of the environment back. */
function refuseConfiguredPassword(config: Config): void {
  if (config.adminPassword === null) return
  throw new CommandFailure(
    'ADMIN_PASSWORD is set and decides at every start: change it there and restart, or remove it first',
  )
}
