// The command line as a whole: which groups of commands there are, and how a run of one of them ends.
import { Command } from 'commander'
import { explainFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'
import { readVersion } from './version.ts'

/** Gives a command of the program its options, subcommands and actions. */
export type DefineCommand = (command: Command, terminal: Terminal) => void

type CommandGroup = { name: string; summary: string; load: () => Promise<DefineCommand> }

const groups: readonly CommandGroup[] = [
  {
    name: 'start',
    summary: 'start the gateway in the foreground',
    load: async () => (await import('./start.ts')).defineStart,
  },
  {
    name: 'config',
    summary: 'check and show the configuration',
    load: async () => (await import('./config.ts')).defineConfig,
  },
  {
    name: 'doctor',
    summary: 'look for what is wrong on this machine and say how to mend it',
    load: async () => (await import('./doctor.ts')).defineDoctor,
  },
  {
    name: 'clients',
    summary: 'whom the gateway serves',
    load: async () => (await import('./clients.ts')).defineClients,
  },
  {
    name: 'keys',
    summary: 'API keys of clients',
    load: async () => (await import('./keys.ts')).defineKeys,
  },
  {
    name: 'devices',
    summary: 'edge machines of clients',
    load: async () => (await import('./devices.ts')).defineDevices,
  },
  {
    name: 'users',
    summary: 'end users, who come by an identity provider',
    load: async () => (await import('./users.ts')).defineUsers,
  },
  {
    name: 'cameras',
    summary: 'cameras of clients, and what is kept of them',
    load: async () => (await import('./cameras.ts')).defineCameras,
  },
  {
    name: 'invoices',
    summary: 'invoices of each week: issue, list, mail, mark as paid, take back',
    load: async () => (await import('./invoices.ts')).defineInvoices,
  },
  {
    name: 'providers',
    summary: 'upstream APIs and the keys for them',
    load: async () => (await import('./providers.ts')).defineProviders,
  },
  {
    name: 'bindings',
    summary: 'from which addresses a token may be used',
    load: async () => (await import('./bindings.ts')).defineBindings,
  },
  {
    name: 'logs',
    summary: 'requests that a binding refused',
    load: async () => (await import('./logs.ts')).defineLogs,
  },
  {
    name: 'prices',
    summary: 'what calls and tokens cost',
    load: async () => (await import('./prices.ts')).definePrices,
  },
  {
    name: 'usage',
    summary: 'metered calls and what they cost',
    load: async () => (await import('./usage.ts')).defineUsage,
  },
  {
    name: 'alerts',
    summary: 'what cameras have raised, and whether it was mailed',
    load: async () => (await import('./alerts.ts')).defineAlerts,
  },
  {
    name: 'settings',
    summary: 'settings that can be changed while the gateway runs',
    load: async () => (await import('./settings.ts')).defineSettings,
  },
  {
    name: 'audit',
    summary: 'what admins changed, and whether that record is whole',
    load: async () => (await import('./audit.ts')).defineAudit,
  },
  {
    name: 'export',
    summary: 'write everything in the database to one file',
    load: async () => (await import('./export.ts')).defineExport,
  },
  {
    name: 'import',
    summary: 'put an exported file into an empty database',
    load: async () => (await import('./import.ts')).defineImport,
  },
  {
    name: 'admin',
    summary: 'the admin account, on the machine of the gateway',
    load: async () => (await import('./admin.ts')).defineAdmin,
  },
  {
    name: 'jwt',
    summary: 'secrets that sign device tokens, on the machine of the gateway',
    load: async () => (await import('./jwt.ts')).defineJwt,
  },
  {
    name: 'vault',
    summary: 'sealed provider keys, on the machine of the gateway',
    load: async () => (await import('./vault.ts')).defineVault,
  },
]

/** Runs one command and answers its exit code; never throws. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const program = createProgram(terminal)
    for (const { name, summary, load } of groups) {
      const command = program.command(name).description(summary)
      // Only the group that was named is loaded: `start` and `--help` should not wait for the others.
      if (args.includes(name)) (await load())(command, terminal)
    }
    await program.parseAsync(args, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    return explainFailure(error, terminal)
  }
}

function createProgram(terminal: Terminal): Command {
  return new Command('sallyport')
    .description('Self-hosted credential gateway: clients use model APIs without ever holding the keys.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('(add --help to see what is possible)')
    .addHelpText('after', '\nHelp of one command: sallyport COMMAND --help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'sallyport: ')),
    })
}
