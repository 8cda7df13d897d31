// `sallyport start`: the gateway in the foreground, until it is told to stop.
import type { Command } from 'commander'
import { runGateway } from '../main.ts'
import type { Terminal } from './terminal.ts'

export function defineStart(command: Command, terminal: Terminal): void {
  command
    .addHelpText(
      'after',
      `
SIGTERM or Ctrl+C stops it gracefully: open streams may finish (SHUTDOWN_GRACE_MS).
Exit codes: 0 stopped, 69 an engine is away, 75 the data folder is in use, 78 the configuration is wrong.`,
    )
    .action(async () => {
      terminal.exitCode = await runGateway({ env: terminal.env, workingDir: terminal.workingDir })
    })
}
