// A file that says which living process owns a folder; the file of a dead owner is taken over.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'

const heartbeatPeriodMs = 10_000
/** A process of another machine (a shared folder) cannot be asked; it counts as alive while its heartbeat is younger. */
const foreignLifeMs = 60_000
const waitPollMs = 50
/** A millisecond each, when others take over the same lock. */
const attemptsMax = 2_000

const ownerSchema = z.object({
  nonce: z.string(),
  pid: z.number().int(),
  /** Start time as the system tells it: a later process with the same pid is another one. */
  started: z.string(),
  host: z.string(),
  /** Id of this boot of the machine, where there is one. */
  boot: z.string(),
})
export type LockOwner = z.output<typeof ownerSchema>

export type ProcessLock = {
  /** Gives the lock up and removes its file. */
  release(): void
  /** Gives the lock up but leaves the file of a dead owner: for folders whose content awaits the next process. */
  abandon(): void
}

/** The lock belongs to a living process. */
export class LockHeldError extends Error {
  readonly owner: LockOwner
  constructor(path: string, owner: LockOwner) {
    super(`${path} is held by process ${owner.pid} on ${owner.host}`)
    this.name = 'LockHeldError'
    this.owner = owner
  }
}

/** Takes the lock at `path` at once or throws LockHeldError. */
export function acquireProcessLock(path: string, clock: Clock): ProcessLock {
  const owner: LockOwner = { nonce: randomUUID(), ...identify(process.pid) }
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (createExclusively(path, owner)) return holdLock(path, owner, clock)
    const found = readLock(path)
    if (!found) continue
    if (isAlive(path, found)) throw new LockHeldError(path, found)
    removeStale(path, found, owner)
  }
  throw new Error(`${path} changes hands too often to be taken`)
}

/** Runs `work` under the lock at `path`, waiting for it as long as `limitMs`; throws LockHeldError when that was not enough. */
export async function withProcessLock<Value>(
  path: string,
  clock: Clock,
  limitMs: number,
  work: () => Promise<Value>,
): Promise<Value> {
  const untilMs = performance.now() + limitMs
  for (;;) {
    try {
      const lock = acquireProcessLock(path, clock)
      return await work().finally(() => lock.release())
    } catch (error) {
      if (!(error instanceof LockHeldError) || performance.now() > untilMs) throw error
      await pause(waitPollMs)
    }
  }
}

/** Whether anybody, living or dead, left a lock at `path`. */
export function lockExists(path: string): boolean {
  return existsSync(path)
}

/** The living owner of the lock at `path`, or null. */
export function findLockOwner(path: string): LockOwner | null {
  const found = readLock(path)
  return found && isAlive(path, found) ? found : null
}

/** True while `pid` runs; a process of another account counts, one that has ended and waits for its parent does not. */
export function isProcessAlive(pid: number): boolean {
  return takesSignals(pid) && !isZombie(pid)
}

/** True while the number is taken, which is all that many programs look at. */
export function takesSignals(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function isZombie(pid: number): boolean {
  return process.platform === 'linux' && /^[ZX]/.test(readStatFields(pid)[0] ?? '')
}

/** link() fails when the name exists, and the name never shows a half-written file. */
function createExclusively(path: string, owner: LockOwner): boolean {
  const draft = `${path}.${owner.nonce}`
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 })
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function holdLock(path: string, owner: LockOwner, clock: Clock): ProcessLock {
  const heartbeat = clock.every(heartbeatPeriodMs, () => touch(path, owner, clock))
  const giveUp = (how: () => void) => {
    heartbeat.cancel()
    if (readLock(path)?.nonce === owner.nonce) how()
  }
  return {
    release: () => giveUp(() => rmSync(path, { force: true })),
    abandon: () => giveUp(() => writeFileSync(path, JSON.stringify({ ...owner, pid: 0 }))),
  }
}

function touch(path: string, owner: LockOwner, clock: Clock): void {
  if (readLock(path)?.nonce !== owner.nonce) return
  const now = new Date(clock.now())
  try {
    utimesSync(path, now, now)
  } catch {
    // A full or read-only disk: processes of this machine judge by pid, and the next beat tries again.
  }
}

/** Null when there is no lock, or one that nobody can have written whole: the machine lost power in between. */
function readLock(path: string): LockOwner | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    return existsSync(path) ? { nonce: '', pid: 0, started: '', host: hostname(), boot: readBootId() } : null
  }
}

function isAlive(path: string, owner: LockOwner): boolean {
  if (owner.pid === 0) return false
  if (owner.host !== hostname()) {
    const touchedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    return Date.now() - touchedMs < foreignLifeMs
  }
  if (owner.boot !== readBootId() || !isProcessAlive(owner.pid)) return false
  return identify(owner.pid).started === owner.started
}

/**
 * Removes the lock that was judged dead, one process at a time: without the guard a slow judge could remove the lock of
 * the next owner. Nobody else changes the file of a dead owner, so under the guard one more look is enough.
 */
function removeStale(path: string, judged: LockOwner, self: LockOwner): void {
  const guard = `${path}.takeover`
  if (!createExclusively(guard, self)) {
    const holder = readLock(guard)
    if (holder && !isAlive(guard, holder)) rmSync(guard, { force: true })
    sleepBriefly()
    return
  }
  try {
    if (readLock(path)?.nonce === judged.nonce) rmSync(path, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

/** Only while another process takes over the same lock, which is a matter of microseconds. */
function sleepBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
}

function identify(pid: number): Omit<LockOwner, 'nonce'> {
  return { pid, started: readStartTime(pid), host: hostname(), boot: readBootId() }
}

function readStartTime(pid: number): string {
  try {
    if (process.platform === 'linux') return readStatFields(pid)[19] ?? ''
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

/** Fields from the third on (proc(5)); the name in the second may hold spaces and brackets. */
function readStatFields(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
