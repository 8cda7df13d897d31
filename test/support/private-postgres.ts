// A PostgreSQL for the suite alone, in memory: from the machine's own binaries, else from those that npm brings.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, rmSync } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import {
  chooseServerAccount,
  makeOwnFolder,
  type ServerAccount,
} from '../../server/store/embedded-account.ts'
import { prepareServerBinaries } from '../../server/store/embedded-binaries.ts'
import { eventually, within } from './eventually.ts'
import { freePort } from './gateway.ts'

/** Several test files with several gateways each, and every gateway has a pool. */
const connectionsMax = 300
/** Where Debian keeps its servers, one folder for each major version. */
const installedServers = '/usr/lib/postgresql/*/bin'
const majorMin = 15
/** Linux keeps the files of this folder in memory. */
const memoryFolder = '/dev/shm'
const memoryBytesMin = 3 * 1024 ** 3

export type PrivatePostgres = { dsn: string; close(): Promise<void> }

/**
 * Starts it on a free port of the loopback address; its account may make databases. A suite makes hundreds of them, of
 * hundreds of files each: on some disks the system takes longer over these files than all tests together.
 */
export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const account = chooseServerAccount()
  const folder = await mkdtemp(join(await chooseParent(), 'sallyport-test-postgres-'))
  makeOwnFolder(folder, account)
  const { initdb, postgres } = findInstalled() ?? prepareServerBinaries(account)
  const databaseDir = join(folder, 'database')
  const cluster = ['-D', databaseDir, '-U', 'suite', '--auth=trust', '--encoding=UTF8', '--locale=C', '-N']
  await promisify(execFile)(initdb, cluster, { cwd: folder, ...runAs(account) })
  const port = await freePort()
  const server = spawnServer(postgres, account, { databaseDir, port, folder })
  const dsn = `postgresql://suite@127.0.0.1:${port}/postgres`
  const endWithSuite = () => {
    server.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  }
  process.once('exit', endWithSuite)
  const close = async () => {
    process.off('exit', endWithSuite)
    const ended = once(server, 'exit')
    if (server.exitCode === null && server.signalCode === null && server.kill('SIGQUIT')) {
      await within('the private PostgreSQL stopping', ended)
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    await eventually('the private PostgreSQL answering', () => answers(dsn))
  } catch (error) {
    await close()
    throw error
  }
  return { dsn, close }
}

function spawnServer(
  command: string,
  account: ServerAccount | null,
  place: { databaseDir: string; port: number; folder: string },
): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: place.port,
    unix_socket_directories: place.folder,
    max_connections: connectionsMax,
    // Nobody needs these databases after a crash.
    fsync: 'off',
    max_wal_size: '256MB',
  }
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(command, ['-D', place.databaseDir, ...parameters], {
    cwd: place.folder,
    stdio: 'ignore',
    ...runAs(account),
  })
}

function runAs(account: ServerAccount | null): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {}
}

/** The oldest that will do: whoever brings an own server may have that one. */
function findInstalled(): { initdb: string; postgres: string } | null {
  const major = (folder: string) => Number(/(\d+)\/bin$/.exec(folder)?.[1])
  const folders = globSync(installedServers)
    .filter((folder) => major(folder) >= majorMin && existsSync(join(folder, 'initdb')))
    .sort((one, other) => major(one) - major(other))
  const [folder] = folders
  return folder ? { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') } : null
}

async function chooseParent(): Promise<string> {
  const found = await statfs(memoryFolder).catch(() => null)
  return found && found.bavail * found.bsize >= memoryBytesMin ? memoryFolder : tmpdir()
}

async function answers(dsn: string): Promise<boolean> {
  const client = new Client({ connectionString: dsn })
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } finally {
    await client.end()
  }
}
