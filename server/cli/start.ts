// `sallyport start`: the gateway in the foreground, until it is told to stop.
import type { Command } from 'commander'
import { loadConfig } from '../config/config.ts'
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
      const config = loadConfig({ env: terminal.env, workingDir: terminal.workingDir })
      // A wrong configuration is told at once; the gateway takes longer to load than to check it.
      const { runGateway } = await import('../main.ts')
      terminal.exitCode = await runGateway(config)
    })
}
