// Those that are measured: the gateway and its peers, each in front of the same upstream and ready to be called.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call } from '../test/support/call.ts'
import { eventually } from '../test/support/eventually.ts'
import { freePort, openFolder, repository } from '../test/support/gateway.ts'
import type { Scope } from '../test/support/scope.ts'
import { testSecrets } from '../test/support/storage.ts'
import { childrenOf, loadProgram, type MeasuredProcess, startProcess } from './measured-process.ts'

export type Peer = MeasuredProcess & {
  name: string
  url: string
  /** What its calls carry beside what every call carries. */
  headers: Record<string, string>
}

/** Something that this machine lacks; the rows that need it are skipped by this text. */
export class MissingError extends Error {
  override readonly name = 'MissingError'
}

/** The token of `post.lua`. */
export const benchToken = `sk-${'0123456789abcdef'.repeat(3)}`
export const gatewayEnvironment = { ...testSecrets, BIND_NEW_PER_MINUTE: '0' }

const portkey = '@portkey-ai/gateway@1.15.2'
const debianPython = '/usr/bin/python3'

export function requireTool(name: string, remedy = `Debian package ${name}`): void {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' })
  } catch {
    throw new MissingError(`${name} is not installed (${remedy})`)
  }
}

/** The upstream of the throughput figures: nginx with one short answer. */
export function startUpstream(scope: Scope): Promise<Peer> {
  return startNginx(scope, { name: 'upstream', core: 'load', file: 'upstream.conf', ports: [9100] })
}

export function startNginxProxy(scope: Scope, upstreamUrl: string): Promise<Peer> {
  const upstreamPort = Number(new URL(upstreamUrl).port)
  const file = 'nginx-proxy.conf'
  return startNginx(scope, { name: 'nginx', core: 'measured', file, ports: [9101], upstreamPort })
}

/**
 * The gateway as an operator starts it, with everything on; its log goes to a file. Its token is bound, so that a turn
 * begins with what is usual and not with a first use.
 */
export async function startSallyport(
  scope: Scope,
  upstreamUrl: string,
  own: { name?: string; folder?: string; env?: Record<string, string> } = {},
): Promise<Peer & { folder: string }> {
  const folder = own.folder ?? (await openFolder(scope))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = { ...gatewayEnvironment, APP_PORT: String(port), DOWNSTREAM_URL: upstreamUrl, ...own.env }
  const command = [join(repository, 'sallyport'), 'start']
  const name = own.name ?? 'sallyport'
  const readyUrl = `${url}/health`
  const process = await startProcess(scope, { name, core: 'measured', folder, command, env, readyUrl })
  for (let use = 0; use < 2; use++) await untilForwarded(url)
  return { ...process, name, url, headers: {}, folder }
}

/** `upstreamUrl` null: it takes frames; `isMetering`: it writes each call down. See `load/bare-server.ts`. */
export async function startBareNode(
  scope: Scope,
  upstreamUrl: string | null,
  isMetering = false,
): Promise<Peer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const name = isMetering ? 'bare Node, metering' : 'bare Node'
  const folder = await scope.folder()
  const journalPath = isMetering ? join(folder, 'journal') : null
  const command = loadProgram('bare-server.ts', { port, upstreamUrl, journalPath })
  const process = await startProcess(scope, {
    ...{ name: 'bare', core: 'measured', folder, command },
    readyUrl: `${url}/`,
  })
  return { ...process, name, url, headers: {} }
}

/** The nearest peer in TypeScript; fetched once into a folder of its own, it is no dependency of ours. */
export async function startPortkey(scope: Scope, upstreamUrl: string): Promise<Peer> {
  const program = installPortkey()
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const folder = await scope.folder()
  const command = [process.execPath, program, '--headless', `--port=${port}`]
  const measured = await startProcess(scope, {
    ...{ name: 'portkey', core: 'measured', folder, command, readyUrl: `${url}/` },
    env: { NODE_ENV: 'production' },
  })
  const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstreamUrl}/v1` }
  return { ...measured, name: 'Portkey', url, headers }
}

/** The design that the Sentinel seed describes, in Python, on a Redis of its own. */
export async function startSeedDesign(scope: Scope, upstreamUrl: string): Promise<Peer> {
  requireTool('redis-server')
  requirePython()
  const [port, redisPort] = [await freePort(), await freePort()]
  const folder = await scope.folder()
  const redis = ['redis-server', '--port', `${redisPort}`, '--bind', '127.0.0.1', '--save', '']
  await startProcess(scope, { name: 'redis', core: 'measured', folder, command: redis })
  const url = `http://127.0.0.1:${port}`
  const app = ['-m', 'uvicorn', 'seed_design:app', '--app-dir', import.meta.dirname, '--no-access-log']
  const measured = await startProcess(scope, {
    ...{ name: 'seed', core: 'measured', folder, readyUrl: `${url}/` },
    command: [debianPython, ...app, '--port', `${port}`],
    env: { DOWNSTREAM_URL: upstreamUrl, REDIS_PORT: `${redisPort}`, PYTHONDONTWRITEBYTECODE: '1' },
  })
  return { ...measured, name: 'seed design', url, headers: {} }
}

function untilForwarded(url: string): Promise<true> {
  const headers = { authorization: `Bearer ${benchToken}` }
  return eventually(
    'a forwarded call',
    async () => (await call(`${url}/v1/models`, { headers })).status === 200,
  )
}

type NginxOptions = {
  name: string
  core: 'load' | 'measured'
  file: string
  /** Ports in the file that are replaced by free ones, so that two runs never meet. */
  ports: [number]
  upstreamPort?: number
}

async function startNginx(scope: Scope, options: NginxOptions): Promise<Peer> {
  requireTool('nginx', 'Debian package nginx-light')
  const folder = await scope.folder()
  const port = await freePort()
  let text = readFileSync(join(import.meta.dirname, options.file), 'utf8')
  text = text.replace('daemon on;', 'daemon off;').replaceAll(`:${options.ports[0]}`, `:${port}`)
  if (options.upstreamPort !== undefined) text = text.replaceAll(':9100', `:${options.upstreamPort}`)
  const path = join(folder, options.file)
  writeFileSync(path, text)
  const url = `http://127.0.0.1:${port}`
  const master = await startProcess(scope, {
    ...{ name: options.name, core: options.core, folder, readyUrl: `${url}/` },
    command: ['nginx', '-p', folder, '-c', path],
  })
  const [worker = master.pid] = childrenOf(master.pid)
  return { pid: worker, stop: master.stop, name: options.name, url, headers: {} }
}

function installPortkey(): string {
  const folder = join(tmpdir(), 'sallyport-bench-portkey')
  const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', portkey]
  try {
    execFileSync('npm', install, { cwd: folder, stdio: 'ignore', timeout: 120_000 })
  } catch (error) {
    throw new MissingError(`npm could not install ${portkey}`, { cause: error })
  }
  return program
}

function requirePython(): void {
  const modules = ['fastapi', 'httpx', 'uvicorn', 'uvloop', 'httptools', 'redis']
  try {
    execFileSync(debianPython, ['-c', `import ${modules}`], { stdio: 'ignore' })
  } catch {
    throw new MissingError(`Debian packages ${modules.map((name) => `python3-${name}`).join(' ')}`)
  }
}
