// A PostgreSQL server as its pid file shows it: is it ours, is it alive, how to stop it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { isProcessAlive } from './process-lock.ts'

const pollMs = 20

export type PostmasterRecord = {
  pid: number
  port: number
  socketDir: string
  /** `starting`, `ready`, `stopping` and others; empty in the first moments. */
  status: string
}

/** Reads `postmaster.pid` of the folder (format: miscadmin.h of PostgreSQL); null when there is none. */
export function readPostmaster(databaseDir: string): PostmasterRecord | null {
  let lines: string[]
  try {
    lines = readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return null
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return null
  return {
    pid,
    port: Number(lines[3]) || 5432,
    socketDir: (lines[4] ?? '').trim(),
    status: (lines[7] ?? '').trim(),
  }
}

/** True when `pid` runs and is a server of this very folder, not a later process that was given the same number. */
export function isServerOf(databaseDir: string, pid: number): boolean {
  return isProcessAlive(pid) && readCommandLine(pid).includes(databaseDir)
}

function readCommandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

/**
 * Stops the server: sessions are cut and everything is written (SIGINT, within `politeMs`), else it stops at once and recovers at its next
 * start (SIGQUIT), else it is killed, which loses nothing that was committed either. Resolves when it is gone.
 */
export async function stopPostmaster(databaseDir: string, pid: number, politeMs: number): Promise<void> {
  for (const [signal, limitMs] of [
    ['SIGINT', politeMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!isServerOf(databaseDir, pid)) return
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await becomesTrue(() => !isServerOf(databaseDir, pid), limitMs)) return
  }
  throw new Error(`the PostgreSQL server ${pid} cannot be stopped`)
}

/** Looks every 20 ms; resolves false when `limitMs` has passed. */
export async function becomesTrue(test: () => boolean, limitMs: number): Promise<boolean> {
  const untilMs = performance.now() + limitMs
  while (!test()) {
    if (performance.now() > untilMs) return false
    await pause(pollMs)
  }
  return true
}
