// Processes of a bench run: each pinned to its core, its output kept in a file, its cost read from /proc, ended with the scope.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '../test/support/call.ts'
import { eventually } from '../test/support/eventually.ts'
import type { Scope } from '../test/support/scope.ts'

/** Upstream and load share one core, what is measured has the other. */
export type Core = 'load' | 'measured'

export type ProcessOptions = {
  name: string
  core: Core
  /** Working directory; the output goes to a file in it. */
  folder: string
  command: readonly string[]
  env?: Record<string, string>
  /** Answers any HTTP status once it serves. */
  readyUrl?: string
}

export type MeasuredProcess = {
  pid: number
  /** SIGTERM, and its end. */
  stop(): Promise<void>
}

const cores: Readonly<Record<Core, string>> = { load: '0', measured: '1' }
/** Ticks of /proc/PID/stat on Linux. */
const ticksPerSecond = 100

export async function startProcess(scope: Scope, options: ProcessOptions): Promise<MeasuredProcess> {
  const { name, folder, readyUrl } = options
  const logPath = join(folder, `${name}.log`)
  const log = openSync(logPath, 'w')
  const child = spawn('taskset', ['-c', cores[options.core], ...options.command], {
    cwd: folder,
    env: { ...basicEnvironment(), ...options.env },
    stdio: ['ignore', log, log],
  })
  const stop = () => endProcess(child)
  scope.defer(stop)
  if (readyUrl !== undefined) await untilAnswering(readyUrl, child, logPath)
  return { pid: child.pid ?? 0, stop }
}

/** Runs a load program or tool on the load core to its end; answers what it printed. */
export async function runLoad(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn('taskset', ['-c', cores.load, ...command], {
    cwd: import.meta.dirname,
    env: { ...basicEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output.slice(-2000)}`)
  return output
}

/** Command line of a program in `load/`, which takes its settings as JSON. */
export function loadProgram(file: string, settings: object): string[] {
  return [process.execPath, join(import.meta.dirname, 'load', file), JSON.stringify(settings)]
}

/** Processor time, user and system, that the process itself has used. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory: now, and the most since `resetPeak`. */
export function memoryMb(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
  return { now: read('VmRSS'), peak: read('VmHWM') }
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

/** The process and all below it may use both cores from now on: for what is measured without any load. */
export function releaseCores(pid: number): void {
  execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', Object.values(cores).join(), String(pid)])
  for (const child of childrenOf(pid)) releaseCores(child)
}

function basicEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, LANG: 'C.UTF-8' }
}

async function untilAnswering(url: string, child: ChildProcess, logPath: string): Promise<void> {
  const look = async () => child.exitCode !== null || (await call(url)).status > 0
  await eventually(`${url} answering`, look, 60_000)
  if (child.exitCode !== null) {
    throw new Error(`it ended at its start:\n${readFileSync(logPath, 'utf8').slice(-2000)}`)
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(killer)
}
