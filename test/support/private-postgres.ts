// A PostgreSQL for the suite alone, from the binaries that npm brings: for machines that have none.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { Secret } from '../../server/lib/secret.ts'
import {
  chooseServerAccount,
  makeOwnFolder,
  type ServerAccount,
} from '../../server/store/embedded-account.ts'
import { prepareServerBinaries } from '../../server/store/embedded-binaries.ts'
import { databaseName, databaseUser, prepareCluster } from '../../server/store/embedded-cluster.ts'
import { eventually, within } from './eventually.ts'
import { freePort } from './gateway.ts'

/** Several test files with several gateways each, and every gateway has a pool. */
const connectionsMax = 300
/** As CI's own server: whoever reaches this machine's loopback address may enter. */
const accessRules = 'host all all 127.0.0.1/32 trust\n'

export type PrivatePostgres = { dsn: string; close(): Promise<void> }

/** Starts it on a free port of the loopback address; its account may make databases. */
export async function startPrivatePostgres(): Promise<PrivatePostgres> {
  const account = chooseServerAccount()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-test-postgres-'))
  makeOwnFolder(folder, account)
  const binaries = prepareServerBinaries(account)
  const password = new Secret(randomUUID())
  const databaseDir = await prepareCluster({ home: folder, account, binaries, password })
  await writeFile(join(databaseDir, 'pg_hba.conf'), accessRules)
  const port = await freePort()
  const server = spawnServer(binaries.postgres, account, { databaseDir, port, folder })
  const dsn = `postgresql://${databaseUser}@127.0.0.1:${port}/${databaseName}`
  const close = async () => {
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
  }
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return spawn(command, ['-D', place.databaseDir, ...parameters], {
    cwd: place.folder,
    stdio: 'ignore',
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
  })
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
