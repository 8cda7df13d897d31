// The installation on this machine, for commands that work on it without a gateway.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { systemClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import type { StoreDependencies } from '../store/store.ts'
import type { Terminal } from './terminal.ts'

/** False before the first start with the embedded database: a command must not make one with secrets that nobody kept. */
export function isInstalled(config: Pick<Config, 'embedded' | 'dataDir'>): boolean {
  return config.embedded === null || existsSync(join(config.dataDir, 'secrets.json'))
}

/** What opening the database needs; warnings go to standard error, so that the command's own output stays clean. */
export function commandDependencies(config: Config, terminal: Terminal): StoreDependencies {
  const destination = { write: (line: string) => void terminal.stderr.write(line) }
  return {
    config,
    clock: systemClock,
    logger: createLogger({ format: 'pretty', level: 'warn', destination }),
  }
}
