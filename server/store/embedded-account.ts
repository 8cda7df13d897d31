// Under which account the embedded server runs: it refuses to be root, so root needs another one.
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { StoreStartError } from './store-start-error.ts'

/** Parent of everything that belongs to the other account; a data folder below /root cannot be entered by it. */
const accountHome = '/var/lib/sallyport'
const accountName = 'sallyport'

export type ServerAccount = { name: string; uid: number; gid: number }

/** Null when we are not root: the server then simply runs as we do. */
export function chooseServerAccount(): ServerAccount | null {
  if (process.getuid?.() !== 0) return null
  const account = findAccount(accountName) ?? createAccount() ?? findAccount('nobody')
  if (account && account.uid !== 0) return account
  throw new StoreStartError(
    'PostgreSQL refuses to run as root, and no other account was found or could be made. Start Sallyport as an ordinary user, or make one: useradd --system sallyport',
  )
}

/** Folder of this installation's server files; made when absent. */
export function prepareServerHome(
  account: ServerAccount | null,
  dataDir: string,
  instanceId: string,
): string {
  const home = account ? join(accountHome, instanceId) : join(dataDir, 'postgres')
  if (account) {
    mkdirSync(accountHome, { recursive: true, mode: 0o755 })
    chmodSync(accountHome, 0o755)
  }
  makeOwnFolder(home, account)
  return home
}

/** Where root keeps the binaries that the account can reach. */
export function sharedBinariesFolder(version: string): string {
  return join(accountHome, `postgres-${version}`)
}

/** A folder for its owner only. */
export function makeOwnFolder(path: string, account: ServerAccount | null): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (account) chownSync(path, account.uid, account.gid)
}

function findAccount(name: string): ServerAccount | null {
  try {
    const read = (flag: string) =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    return { name, uid: read('-u'), gid: read('-g') }
  } catch {
    return null
  }
}

function createAccount(): ServerAccount | null {
  try {
    execFileSync(
      'useradd',
      [
        '--system',
        '--no-create-home',
        '--home-dir',
        accountHome,
        '--shell',
        '/usr/sbin/nologin',
        accountName,
      ],
      { stdio: 'ignore' },
    )
  } catch {
    // No useradd here, or another process made the account at this moment: looking it up tells.
  }
  return findAccount(accountName)
}
