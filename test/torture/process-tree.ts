// Processes from outside: signals to one and all that it started, and what it takes of memory and processor.
import { readdirSync, readFileSync } from 'node:fs'

/** PostgreSQL's backends are no process group of their own. Parents first, so that a stopped one starts nothing new while its children are signalled. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  send(pid, signal)
  for (const child of childrenOf(pid)) signalTree(child, signal)
}

/** Everything that this process started. */
export function signalDescendants(signal: NodeJS.Signals): void {
  for (const child of childrenOf(process.pid)) signalTree(child, signal)
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

/** Processor time used so far; the kernel counts in hundredths of a second. */
export function processorMs(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const [userTicks, systemTicks] = fields.split(' ').slice(11, 13).map(Number)
  return ((userTicks ?? 0) + (systemTicks ?? 0)) * 10
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => (parentOf(name) === pid ? [Number(name)] : []))
}

function parentOf(name: string): number | null {
  if (!/^\d+$/.test(name)) return null
  try {
    // The command, in brackets, may hold anything; behind it come the state and the parent.
    const fields = /\) \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))
    return Number(fields?.[1])
  } catch {
    return null
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile.
  }
}
