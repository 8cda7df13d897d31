// Is there an installation on this machine at all?
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'

/** False before the first start with the embedded database: a command must not make one with secrets that nobody kept. */
export function isInstalled(config: Pick<Config, 'embedded' | 'dataDir'>): boolean {
  return config.embedded === null || existsSync(join(config.dataDir, 'secrets.json'))
}
