// Supervises the embedded PostgreSQL: a real server on a socket, started or adopted, watched, and stopped with us.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { type ConnectionTarget, openConnection } from './connection.ts'
import {
  chooseServerAccount,
  makeOwnFolder,
  prepareServerHome,
  type ServerAccount,
} from './embedded-account.ts'
import { prepareServerBinaries, type ServerBinaries } from './embedded-binaries.ts'
import { databaseName, databaseUser, prepareCluster, serverEnvironment } from './embedded-cluster.ts'
import { becomesTrue, isServerOf, readPostmaster, stopPostmaster } from './postmaster.ts'
import { isProcessAlive, takesSignals, withProcessLock } from './process-lock.ts'
import { StoreStartError } from './store-start-error.ts'

/** Names the socket file only: the server listens on no network. */
const port = 5432
const startLockName = 'start.lock'
/** sun_path holds 104 bytes on macOS and 108 on Linux, with an ending zero. */
const socketPathBytesMax = 100
/** Recovery after a crash of the machine reads up to `max_wal_size` again. */
const startLimitMs = 60_000
/** Patience with a server that may hang. */
const adoptLimitMs = 5_000
/** Patience with one that writes its last pages. */
const stopLimitMs = 30_000
const watchPeriodMs = 250
const relaunchPauseMs = 100
const relaunchLimitMs = 5_000
const restartPauseMaxMs = 10_000

export type EmbeddedPostgres = {
  target: ConnectionTarget
  databaseDir: string
  /** False when a running server was adopted. */
  startedHere: boolean
  /** Starts the server again whenever it ends, until closed. */
  watch(): void
  /** Stops watching and leaves the server running. */
  leave(): void
  /** Stops the server, and watching. */
  stop(): Promise<void>
}

export type EmbeddedOptions = {
  dataDir: string
  embedded: NonNullable<Config['embedded']>
  clock: Clock
  logger: Logger
}

type Server = {
  databaseDir: string
  home: string
  socketDir: string
  account: ServerAccount | null
  binaries: ServerBinaries
}

/** Brings the server up: adopts the one that runs, else starts it, making the database first when there is none. */
export async function openEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { dataDir, embedded, clock, logger } = options
  const account = chooseServerAccount()
  const home = prepareServerHome(account, dataDir, embedded.instanceId)
  const binaries = prepareServerBinaries(account)
  if (account) {
    logger.info(`PostgreSQL runs as ${account.name}, because it refuses to run as root`, {
      component: 'database',
      detail: `its files are in ${home}`,
    })
  }
  // A command on this machine may be starting the same server at this moment.
  return withProcessLock(join(home, startLockName), clock, startLimitMs, () =>
    bringUp({ ...options, account, binaries, home }),
  )
}

async function bringUp(
  options: EmbeddedOptions & Pick<Server, 'account' | 'binaries' | 'home'>,
): Promise<EmbeddedPostgres> {
  const { embedded, clock, logger, account, binaries, home } = options
  const databaseDir = await prepareCluster({ home, account, binaries, password: embedded.databasePassword })
  const targetAt = (socketDir: string): ConnectionTarget => ({
    host: socketDir,
    port,
    user: databaseUser,
    password: embedded.databasePassword.reveal(),
    database: databaseName,
  })
  const adoptedDir = await adopt({ databaseDir, targetAt, clock, logger })
  const socketDir = adoptedDir ?? chooseSocketDir(home, account)
  const server: Server = { databaseDir, home, socketDir, account, binaries }
  if (adoptedDir === null) await start(server)
  return supervise(server, { target: targetAt(socketDir), startedHere: adoptedDir === null, clock, logger })
}

/** Socket folder of a server that runs and answers; one that runs and does not is stopped. Null when none is left. */
async function adopt(options: {
  databaseDir: string
  targetAt: (socketDir: string) => ConnectionTarget
  clock: Clock
  logger: Logger
}): Promise<string | null> {
  const { databaseDir, targetAt, clock, logger } = options
  const found = readPostmaster(databaseDir)
  if (!found) return null
  if (!isServerOf(databaseDir, found.pid)) return null
  await becomesTrue(() => readPostmaster(databaseDir)?.status !== 'starting', startLimitMs)
  const socketDir = readPostmaster(databaseDir)?.socketDir ?? found.socketDir
  try {
    const connection = await openConnection(targetAt(socketDir), clock, adoptLimitMs)
    connection.destroy()
    logger.info('adopted the PostgreSQL server that was left running', { component: 'database' })
    return socketDir
  } catch (error) {
    logger.warn('the PostgreSQL server that was left running does not answer; stopping it', {
      component: 'database',
      error,
    })
    await stopPostmaster(databaseDir, found.pid, adoptLimitMs)
    return null
  }
}

function chooseSocketDir(home: string, account: ServerAccount | null): string {
  const inside = join(home, 'socket')
  const fits = Buffer.byteLength(join(inside, `.s.PGSQL.${port}.lock`)) <= socketPathBytesMax
  const socketDir = fits ? inside : mkdtempSync(join(tmpdir(), 'sallyport-'))
  makeOwnFolder(socketDir, account)
  return socketDir
}

/** Resolves when the server takes connections; throws StoreStartError with its last words. */
async function start(server: Server): Promise<void> {
  const untilMs = performance.now() + relaunchLimitMs
  for (;;) {
    removeForeignPidFile(server.databaseDir)
    if (await launch(server)) return
    // Sessions of a server that was killed take a moment to notice; the new one refuses to start beside them.
    if (performance.now() > untilMs) {
      throw new StoreStartError(
        `the embedded PostgreSQL does not start: ${readLastWords(server.home)}. Its log is in ${join(server.home, 'log')}`,
      )
    }
    await pause(relaunchPauseMs)
  }
}

/** The reason it gave, from before or after its log collector had begun. */
function readLastWords(home: string): string {
  const logs = readdirSync(join(home, 'log')).map((name) => join(home, 'log', name))
  const newest = logs.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)[0]
  const lines = [startWordsOf(home), newest]
    .flatMap((path) => (path ? readFileSync(path, 'utf8').split('\n') : []))
    .filter((line) => /FATAL|PANIC|error/i.test(line))
  return lines.at(-1) ?? 'it said nothing'
}

const startWordsOf = (home: string) => join(home, 'start.log')

/**
 * The server refuses to start while the process named in its pid file lives. After a restart of a container that is
 * often some other program. The file of a dead process stays, as the server itself judges it.
 */
function removeForeignPidFile(databaseDir: string): void {
  const pid = readPostmaster(databaseDir)?.pid ?? 0
  if (takesSignals(pid) && !isServerOf(databaseDir, pid)) rmSync(join(databaseDir, 'postmaster.pid'))
}

/** False when the server ended before it was ready. */
async function launch({ databaseDir, home, socketDir, account, binaries }: Server): Promise<boolean> {
  makeOwnFolder(join(home, 'log'), account)
  makeOwnFolder(socketDir, account)
  const words = openSync(startWordsOf(home), 'w', 0o600)
  // A session of its own: Ctrl+C in the terminal reaches us only, and we stop it after our last query.
  const child = spawn(binaries.postgres, ['-D', databaseDir, ...settings(home, socketDir)], {
    cwd: home,
    env: serverEnvironment,
    detached: true,
    stdio: ['ignore', words, words],
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
  })
  closeSync(words)
  child.unref()
  let ended = false
  child.once('exit', () => (ended = true)).once('error', () => (ended = true))
  const isReady = () => {
    const record = readPostmaster(databaseDir)
    return record?.pid === child.pid && record?.status === 'ready'
  }
  const settled = await becomesTrue(() => ended || isReady(), startLimitMs)
  if (!settled && child.pid !== undefined) await stopPostmaster(databaseDir, child.pid, adoptLimitMs)
  return settled && !ended
}

/** On the command line, so that a later version's settings hold for a database of today. */
function settings(home: string, socketDir: string): string[] {
  const values = {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    max_connections: '60',
    shared_buffers: `${sharedBuffersMb()}MB`,
    max_wal_size: '256MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    jit: 'off',
    // What a page costs that does not follow the last one, against one that does: 4 is the default and meant for turning disks.
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // A week of files by the name of the day, each emptied when its day comes again; statements and their values never.
    logging_collector: 'on',
    log_directory: join(home, 'log'),
    log_filename: 'postgresql-%a.log',
    log_rotation_age: '1d',
    log_rotation_size: '0',
    log_truncate_on_rotation: 'on',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/**
 * An eighth of the memory of the machine, or of the container where that has less, within bounds; it is taken only as the
 * data grow to need it. The upper bound holds what the lists of a million bindings and intercepts are found by, and the
 * bindings themselves.
 */
function sharedBuffersMb(): number {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  return Math.round(Math.min(1024, Math.max(64, bytes / 2 ** 20 / 8)))
}

function supervise(
  server: Server,
  options: { target: ConnectionTarget; startedHere: boolean; clock: Clock; logger: Logger },
): EmbeddedPostgres {
  const { target, startedHere, clock, logger } = options
  const { databaseDir } = server
  let watching = false
  let timer: Timer | null = null
  let starting: Promise<void> | null = null

  function check(restartPauseMs: number): void {
    timer = clock.after(restartPauseMs, () => {
      const record = readPostmaster(databaseDir)
      if (record && isProcessAlive(record.pid)) return check(watchPeriodMs)
      logger.error('PostgreSQL has ended; starting it again', { component: 'database' })
      starting = restart().then(
        () => continueWatching(watchPeriodMs),
        (error: unknown) => {
          logger.error('PostgreSQL could not be started again', { component: 'database', error })
          continueWatching(Math.min(restartPauseMs * 2, restartPauseMaxMs))
        },
      )
    })
  }

  function restart(): Promise<void> {
    return withProcessLock(join(server.home, startLockName), clock, startLimitMs, async () => {
      const record = readPostmaster(databaseDir)
      if (!record || !isServerOf(databaseDir, record.pid)) await start(server)
    })
  }

  function continueWatching(pauseMs: number): void {
    if (watching) check(pauseMs)
  }

  function leave(): void {
    watching = false
    timer?.cancel()
  }

  return {
    target,
    databaseDir,
    startedHere,
    watch() {
      watching = true
      check(watchPeriodMs)
    },
    leave,
    async stop() {
      leave()
      await starting
      const record = readPostmaster(databaseDir)
      if (record) await stopPostmaster(databaseDir, record.pid, stopLimitMs)
      if (!server.socketDir.startsWith(server.home))
        rmSync(server.socketDir, { recursive: true, force: true })
    },
  }
}
