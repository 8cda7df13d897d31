// The secrets that belong to an archive, as a file that is put into `.env` of the new place or next to it.
import { Readable } from 'node:stream'
import type { Config } from '../config/config.ts'
import { changeEnvText } from '../lib/env-text.ts'
import type { Secret } from '../lib/secret.ts'
import { exportToFile } from './export-file.ts'
import { CommandFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

export async function writeSecrets(terminal: Terminal, config: Config, file: string): Promise<void> {
  const lines = changeEnvText(opening, valuesOf(config))
  if (lines === null) {
    throw new CommandFailure(
      'a secret holds quotes or line breaks that an .env file cannot hold: carry the secrets over by hand',
    )
  }
  await exportToFile(terminal, Readable.from([Buffer.from(lines)]), file)
}

const opening = `# Secrets of a Sallyport installation. Keep them apart from its archive.
# In the new place they stand in .env, or in the environment, before 'sallyport import FILE'.
# With PG_DSN, ADMIN_PASSWORD is needed too: a new one of 12 characters or more will do.
`

function valuesOf(config: Config): Record<string, string> {
  const secrets: Readonly<Record<string, Secret | null>> = {
    SENTINEL_HMAC_SECRET: config.pepper,
    ADMIN_JWT_SECRET: config.adminJwtSecret,
    MASTER_KEY: config.masterKey,
    ADMIN_PASSWORD: config.adminPassword,
    JWT_SECRET: config.jwtSecret,
  }
  const lists = {
    MASTER_KEY_PREVIOUS: config.masterKeyPrevious,
    JWT_SECRET_PREVIOUS: config.jwtSecretPrevious,
  }
  return Object.fromEntries([
    ...Object.entries(secrets).flatMap(([name, secret]) => (secret ? [[name, secret.reveal()]] : [])),
    ...Object.entries(lists)
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => [name, list.map((secret) => secret.reveal()).join(',')]),
  ])
}
