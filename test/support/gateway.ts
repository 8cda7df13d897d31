// The real gateway as its own process: started as an operator starts it, asked over HTTP, ended by signals.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Answer, call } from './call.ts'
import { eventually, within } from './eventually.ts'
import type { Scope } from './scope.ts'
import { type Environment, testSecrets } from './storage.ts'

export const repository = join(import.meta.dirname, '../..')

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type GatewayProcess = {
  pid: number
  /** Everything written to standard output and standard error so far. */
  output(): string
  exited: Promise<Exit>
  hasEndedByItself(): boolean
  signal(name: NodeJS.Signals): void
  /** SIGTERM, then the exit. */
  stop(): Promise<Exit>
  kill9(): Promise<Exit>
}

export type Gateway = GatewayProcess & {
  url: string
  folder: string
  /** Calls the admin API (`/admin/api` + path) with a session of the admin. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  login(password?: string): Promise<string>
}

export type Account = { uid: number; gid: number }

export type CommandOptions = {
  env?: Environment
  /** Another checkout than this one. */
  checkout?: string
  /** Runs as this account; only root can. */
  account?: Account
}

export type StartOptions = CommandOptions & {
  /** Working directory, holding the data folder `data`; a new one when not given. */
  folder?: string
}

/** Starts one gateway and waits until it is ready; it ends with the scope, and so does what an embedded database left. */
export async function startGateway(scope: Scope, options: StartOptions = {}): Promise<Gateway> {
  const folder = options.folder ?? (await openFolder(scope))
  const port = await freePort()
  const env = { ...standardEnvironment, APP_PORT: String(port), ...options.env }
  const process = spawnCommand(scope, ['start'], { ...options, folder, env })
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, process)
  scope.defer(() => {
    if (scope.hasFailed()) console.error(findTroubles(process.output()))
    assertStillServing(process)
  })
  let token: Promise<string> | null = null
  const login = async (password = env.ADMIN_PASSWORD) => {
    // A loaded machine may keep the database from answering in time; then it is asked again, as the 503 says.
    const answer = await eventually('an answer to the login', async () => {
      const seen = await call(`${url}/admin/api/login`, jsonCall('POST', { password }))
      return seen.status === 503 ? null : seen
    })
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.text}\n${process.output()}`)
    return (answer.json() as { access_token: string }).access_token
  }
  return {
    ...process,
    url,
    folder,
    login,
    async admin(method, path, body) {
      token ??= login()
      return call(
        `${url}/admin/api${path}`,
        jsonCall(method, body, { authorization: `Bearer ${await token}` }),
      )
    },
  }
}

/** What the gateway itself said was wrong: its warnings and errors, and whatever is no log line. */
function findTroubles(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/"level":(10|20|30)\b/.test(line))
    .join('\n')
}

/** A gateway that ended without being told to has failed, whatever its test saw of it. */
function assertStillServing(process: GatewayProcess): void {
  if (process.hasEndedByItself()) throw new Error(`the gateway ended by itself:\n${process.output()}`)
}

/** Trusts this machine as proxy, so that one test can speak from any address with X-Real-IP. */
const standardEnvironment = {
  HOST: '127.0.0.1',
  TRUSTED_PROXY_IPS: '127.0.0.1/32',
  ADMIN_PASSWORD: testSecrets.ADMIN_PASSWORD,
}

/** A command of `./sallyport` with nothing of this process's environment but the paths. */
export function spawnCommand(
  scope: Scope,
  args: readonly string[],
  options: CommandOptions & { folder: string },
): GatewayProcess {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env
  const child = spawn(join(options.checkout ?? repository, 'sallyport'), args, {
    ...options.account,
    cwd: options.folder,
    env: { PATH, HOME: options.account ? options.folder : HOME, LANG, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const watched = watch(child)
  scope.defer(() => (child.exitCode === null && child.signalCode === null ? watched.kill9() : null))
  return watched
}

function watch(child: ChildProcess): GatewayProcess {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  // A failed spawn is reported to whoever waits; without a waiter it must not end the test process.
  exited.catch(() => null)
  let isTold = false
  const signal = (name: NodeJS.Signals) => {
    isTold = true
    child.kill(name)
  }
  const end = (name: NodeJS.Signals) => {
    signal(name)
    return within(`the exit after ${name}; output so far:\n${output}`, exited, 60_000)
  }
  return {
    pid: child.pid ?? 0,
    output: () => output,
    exited,
    hasEndedByItself: () => !isTold && (child.exitCode !== null || child.signalCode !== null),
    signal,
    stop: () => end('SIGTERM'),
    kill9: () => end('SIGKILL'),
  }
}

export async function untilReady(url: string, process: GatewayProcess): Promise<void> {
  let exit: Exit | null = null
  void process.exited.then((seen) => {
    exit = seen
  })
  await eventually(
    `${url}/health/ready answering 200`,
    async () => {
      if (exit) return true
      return (await call(`${url}/health/ready`)).status === 200
    },
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`the gateway did not become ready:\n${process.output()}`, { cause: error })
  })
  if (exit) throw new Error(`the gateway ended at its start:\n${process.output()}`)
}

export function jsonCall(method: string, body?: unknown, headers: Record<string, string> = {}) {
  if (body === undefined) return { method, headers }
  return { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** A working directory whose embedded database, if a killed gateway left one running, is stopped and removed with the scope. */
export async function openFolder(scope: Scope, parent?: string): Promise<string> {
  const folder = await scope.folder(parent)
  scope.defer(() => removeEmbedded(folder))
  return folder
}

/** Below the usual range of outgoing connections, so that no client socket of a neighbouring test can take it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Where the embedded database of the gateway in `folder` lives: in its data folder, or with the account that runs it for root. */
export async function databaseFolders(folder: string): Promise<string[]> {
  const secretsPath = join(folder, 'data/secrets.json')
  if (!existsSync(secretsPath)) return []
  const secrets = JSON.parse(await readFile(secretsPath, 'utf8')) as { instance_id: string }
  return [join(folder, 'data/postgres'), `/var/lib/sallyport/${secrets.instance_id}`].filter(existsSync)
}

async function removeEmbedded(folder: string): Promise<void> {
  for (const database of await databaseFolders(folder)) {
    await stopPostmaster(database)
    await rm(database, { recursive: true, force: true, maxRetries: 10 })
  }
}

async function stopPostmaster(folder: string): Promise<void> {
  const pidPath = join(folder, 'database/postmaster.pid')
  if (!existsSync(pidPath)) return
  const pid = Number((await readFile(pidPath, 'utf8')).split('\n', 1)[0])
  try {
    process.kill(pid, 'SIGQUIT')
  } catch {
    return
  }
  await eventually('the left-over database stopping', () => !existsSync(pidPath) || !isAlive(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
