// Secrets of an installation with the embedded database: made once, kept in the data folder for its owner only.
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const secretsSchema = z.strictObject({
  instance_id: z.string().regex(/^[0-9a-f]{16}$/),
  sentinel_hmac_secret: z.string().min(32),
  admin_jwt_secret: z.string().min(32),
  master_key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  database_password: z.string().min(32),
})
export type GeneratedSecrets = z.output<typeof secretsSchema>

/**
 * Reads `secrets.json` of the data folder, making it first when it is absent and `create` is true.
 * Throws ConfigError when it is damaged: a new pepper would lift every ban, so it is never made anew by itself.
 */
export function readOrCreateSecrets(dataDir: string, create: boolean): GeneratedSecrets {
  const path = join(dataDir, 'secrets.json')
  if (!existsSync(path)) {
    const fresh = generate()
    if (!create) return fresh
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    writeOnce(path, `${JSON.stringify(fresh, null, 2)}\n`)
  }
  try {
    return secretsSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    throw new ConfigError([
      `${path}: the generated secrets are unreadable or damaged. Put back the copy from your backup; without it the credentials in the database cannot be recognised`,
    ])
  }
}

function generate(): GeneratedSecrets {
  return {
    instance_id: randomBytes(8).toString('hex'),
    sentinel_hmac_secret: randomBytes(32).toString('base64url'),
    admin_jwt_secret: randomBytes(32).toString('base64url'),
    master_key: randomBytes(32).toString('base64'),
    database_password: randomBytes(32).toString('base64url'),
  }
}

/** Written beside, synced, then linked into place: of two first starts at once, the first to link wins and both read the same file. */
function writeOnce(path: string, text: string): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    unlinkSync(draft)
  }
}
