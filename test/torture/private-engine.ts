// PostgreSQL and Redis of our own on free ports: killed, paused and started again without touching the machine's.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { createClient } from 'redis'
import { nobody } from '../support/checkout.ts'
import { eventually, within } from '../support/eventually.ts'
import { type Account, freePort } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { signalTree } from './process-tree.ts'
import { NotPossibleError } from './report.ts'

export type PrivateEngine = {
  readonly port: number
  /** Resolves when it answers. */
  start(): Promise<void>
  /** SIGKILL for every process of it, as when the machine lost power. */
  kill(): Promise<void>
  /** The orderly stop. */
  stop(): Promise<void>
  /** SIGSTOP for every process of it: connections stay open and nothing answers. */
  pause(): void
  resume(): void
}

type Program = {
  port: number
  /** Starts it in the foreground. */
  launch(): ChildProcess
  stopSignal: NodeJS.Signals
  /** Throws until the engine answers. */
  ask(): Promise<void>
}

const postgresBin = '/usr/lib/postgresql/15/bin'
/** PostgreSQL refuses to run as root. */
const account: Account | null = process.getuid?.() === 0 ? nobody : null

/** A new cluster, running; gone with the scope. */
export async function openPostgres(scope: Scope): Promise<PrivateEngine> {
  const folder = await scope.folder()
  if (account) await chown(folder, account.uid, account.gid)
  const data = join(folder, 'cluster')
  const made = spawnSync(join(postgresBin, 'initdb'), ['-A', 'trust', '-U', 'root', '-D', data], {
    ...account,
    cwd: folder,
    encoding: 'utf8',
  })
  if (made.error) throw new NotPossibleError(`needs ${postgresBin}`)
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200 }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return openEngine(scope, {
    port,
    stopSignal: 'SIGINT',
    launch: () =>
      spawn(join(postgresBin, 'postgres'), ['-D', data, ...flags], {
        ...account,
        cwd: folder,
        stdio: 'ignore',
      }),
    ask: () => runSql(port, 'select 1'),
  })
}

/** Without persistence: after a kill it is empty. */
export async function openRedis(scope: Scope): Promise<PrivateEngine> {
  if (spawnSync('redis-server', ['--version']).error) throw new NotPossibleError('needs redis-server')
  const folder = await scope.folder()
  const port = await freePort()
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return openEngine(scope, {
    port,
    stopSignal: 'SIGTERM',
    launch: () => spawn('redis-server', flags, { cwd: folder, stdio: 'ignore' }),
    ask: () => ping(port),
  })
}

/** A new database on `postgres`, with its address as seen through `port`. */
export async function createDatabase(
  postgres: PrivateEngine,
  name: string,
  port = postgres.port,
): Promise<string> {
  await runSql(postgres.port, `create database ${name}`)
  return `postgresql://root@127.0.0.1:${port}/${name}`
}

async function openEngine(scope: Scope, program: Program): Promise<PrivateEngine> {
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    child = program.launch()
    await eventually('a private engine answering', () => program.ask().then(() => true), 30_000)
  }

  async function end(signal: (pid: number) => void): Promise<void> {
    const ending = child
    child = null
    if (!ending?.pid || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = once(ending, 'close')
    signal(ending.pid)
    await within('the end of a private engine', ended)
  }

  const toTree = (signal: NodeJS.Signals) => {
    if (child?.pid) signalTree(child.pid, signal)
  }
  const kill = () => end((pid) => signalTree(pid, 'SIGKILL'))
  scope.defer(kill)
  await start()
  return {
    port: program.port,
    start,
    kill,
    stop: () => end((pid) => process.kill(pid, program.stopSignal)),
    pause: () => toTree('SIGSTOP'),
    resume: () => toTree('SIGCONT'),
  }
}

async function runSql(port: number, sql: string): Promise<void> {
  const client = new Client({
    connectionString: `postgresql://root@127.0.0.1:${port}/postgres`,
    connectionTimeoutMillis: 2000,
  })
  // Reported by the query as well; without a listener it would end this process.
  client.on('error', () => null)
  try {
    await client.connect()
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function ping(port: number): Promise<void> {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: false } })
  client.on('error', () => null)
  try {
    await client.connect()
    await client.ping()
  } finally {
    if (client.isOpen) client.destroy()
  }
}
