// A token in a file for commands on the gateway's own machine: whoever may read the data folder is the admin.
import { hash, randomInt, timingSafeEqual } from 'node:crypto'
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../lib/secret.ts'

export const localTokenFile = 'admin-token'
export const localTokenPrefix = 'spadm_'
const randomCharacters = 43
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export type LocalToken = {
  isPresented(text: string): boolean
  /** Takes the file away; the token itself is good for nothing from then on. */
  revoke(): Promise<void>
}

/** Writes a new token for this start, readable by the owner only. */
export async function createLocalToken(dataDir: string): Promise<LocalToken> {
  const path = join(dataDir, localTokenFile)
  const token = generateToken()
  const digest = hash('sha256', token.reveal(), 'buffer')
  let revoked = false
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writeAtomically(path, `${token.reveal()}\n`)
  return {
    isPresented: (text) => !revoked && timingSafeEqual(hash('sha256', text, 'buffer'), digest),
    async revoke() {
      if (revoked) return
      revoked = true
      await removeOwn(path, token)
    },
  }
}

function generateToken(): Secret {
  const random = Array.from({ length: randomCharacters }, () => alphabet[randomInt(alphabet.length)])
  return new Secret(localTokenPrefix + random.join(''))
}

/** Under its final name the file is whole from the first moment on, and never readable by others. */
async function writeAtomically(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(text)
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

/** Another gateway on the same folder may have put its own token there since. */
async function removeOwn(path: string, token: Secret): Promise<void> {
  try {
    if ((await readFile(path, 'utf8')).trim() === token.reveal()) await unlink(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
