// `sallyport doctor`: every check in turn, a line each, exit 1 when something is broken.
import type { Command } from 'commander'
import { type Config, ConfigError, loadConfig } from '../config/config.ts'
import { checkAddresses } from './doctor-addresses.ts'
import { checkDatabase } from './doctor-database.ts'
import { checkDownstream, checkMail, checkRedis } from './doctor-engines.ts'
import { checkGateway } from './doctor-gateway.ts'
import { checkDataFolder, checkDotEnv, checkNode } from './doctor-machine.ts'
import { checkFfmpeg } from './doctor-video.ts'
import { exitCodes } from './failure.ts'
import { type Finding, failure, formatFinding, ok } from './finding.ts'
import { addRemoteOptions, type RemoteOptions } from './target.ts'
import { printable, printLine, type Terminal } from './terminal.ts'

type Check = () => Promise<Finding[]>

export function defineDoctor(command: Command, terminal: Terminal): void {
  addRemoteOptions(command)
    .addHelpText('after', '\n✓ is well, ! deserves a look, ✗ is broken (exit 1).')
    .action(async (options: RemoteOptions) => {
      const findings: Finding[] = []
      for (const check of listChecks(terminal, options)) {
        const found = await check()
        findings.push(...found)
        if (options.json) continue
        for (const finding of found) printLine(terminal, printLines(formatFinding(finding)))
      }
      if (options.json) printLine(terminal, JSON.stringify(findings, null, 2))
      if (findings.some(({ level }) => level === 'failure')) terminal.exitCode = exitCodes.failure
    })
}

/** Without a configuration that can be read there is little else to look at. */
function listChecks(terminal: Terminal, options: RemoteOptions): Check[] {
  const first: Check[] = [
    async () => [checkNode(process.versions.node)],
    async () => await checkDotEnv(terminal.workingDir),
  ]
  const config = readConfig(terminal)
  if (!('dataDir' in config)) return [...first, async () => config.findings]
  return [
    ...first,
    async () => [ok(`configuration (file: ${config.fileUsed ?? 'none'})`)],
    async () => checkAddresses(config),
    async () => await checkDataFolder(config.dataDir),
    async () => await checkDatabase(config, terminal),
    async () => await checkRedis(config),
    async () => await checkMail(config),
    async () => await checkFfmpeg(config),
    async () => [await checkDownstream(config.downstreamUrl)],
    async () => await checkGateway(terminal, options),
  ]
}

function readConfig(terminal: Terminal): Config | { findings: Finding[] } {
  try {
    return loadConfig({ env: terminal.env, workingDir: terminal.workingDir, createSecrets: false })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { findings: error.problems.map((problem) => failure(problem, 'See docs/configuration.md.')) }
  }
}

/** Line ends stay, every other control character is shown escaped. */
function printLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
