// Holds the process lock to its word: one living owner, dead ones replaced, foreign ones judged by their heartbeat.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { createManualClock, systemClock } from '../lib/clock.ts'
import { acquireProcessLock, findLockOwner, LockHeldError, withProcessLock } from './process-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'sp-lock-'))
after(() => rmSync(folder, { recursive: true }))

const readOwner = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>

test('a held lock is refused, naming its owner, and free after its release', () => {
  const path = join(folder, 'held')
  const lock = acquireProcessLock(path, systemClock)
  assert.throws(
    () => acquireProcessLock(path, systemClock),
    (error) => error instanceof LockHeldError && error.owner.pid === process.pid,
  )
  lock.release()
  assert.equal(findLockOwner(path), null)
  acquireProcessLock(path, systemClock).release()
})

test('a lock is taken over from a dead process, from an earlier boot, and from a pid that was given anew', () => {
  const path = join(folder, 'stale')
  acquireProcessLock(path, systemClock).abandon()
  const living = { ...readOwner(path), pid: process.pid }
  for (const change of [{ pid: 2 ** 22 - 7 }, { boot: 'another boot' }, { started: '1' }, { pid: 0 }]) {
    writeFileSync(path, JSON.stringify({ ...living, nonce: 'old', ...change }))
    acquireProcessLock(path, systemClock).release()
  }
  writeFileSync(path, JSON.stringify({ ...living, nonce: 'old' }))
  assert.throws(
    () => acquireProcessLock(path, systemClock),
    LockHeldError,
    'counter-test: the same owner alive',
  )
})

test('a lock of another machine counts as alive until its heartbeat is a minute old', () => {
  const path = join(folder, 'foreign')
  acquireProcessLock(path, systemClock).abandon()
  writeFileSync(path, JSON.stringify({ ...readOwner(path), pid: 1, host: 'elsewhere', nonce: 'old' }))
  assert.throws(() => acquireProcessLock(path, systemClock), LockHeldError)
  const old = new Date(Date.now() - 61_000)
  utimesSync(path, old, old)
  acquireProcessLock(path, systemClock).release()
})

test('the heartbeat goes on each ten seconds, and ends with the lock', () => {
  const path = join(folder, 'heartbeat')
  const clock = createManualClock()
  const lock = acquireProcessLock(path, clock)
  clock.advance(10_000)
  assert.equal(statSync(path).mtimeMs, clock.now())
  lock.release()
  clock.advance(60_000)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('heartbeat')),
    [],
  )
})

test('a lock whose file was torn by a power cut is taken over', () => {
  const path = join(folder, 'torn')
  writeFileSync(path, '{"nonce":"ab')
  acquireProcessLock(path, systemClock).release()
})

test('of eight processes that find a dead owner, one at a time gets the lock', async () => {
  const path = join(folder, 'race')
  const journal = join(folder, 'race.log')
  acquireProcessLock(path, systemClock).abandon()
  const script = `
    import { appendFileSync } from 'node:fs'
    const { withProcessLock } = await import(${JSON.stringify(new URL('./process-lock.ts', import.meta.url).href)})
    const { systemClock } = await import(${JSON.stringify(new URL('../lib/clock.ts', import.meta.url).href)})
    for (let round = 0; round < 5; round++) {
      await withProcessLock(${JSON.stringify(path)}, systemClock, 30_000, async () => {
        appendFileSync(${JSON.stringify(journal)}, 'in ')
        await new Promise((resolve) => setImmediate(resolve))
        appendFileSync(${JSON.stringify(journal)}, 'out ')
      })
    }`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  await Promise.all(Array.from({ length: 8 }, run))
  assert.equal(readFileSync(journal, 'utf8'), 'in out '.repeat(40))
})

test('work that fails gives its lock back', async () => {
  const path = join(folder, 'failing')
  const failing = () => Promise.reject(new Error('no'))
  await assert.rejects(withProcessLock(path, systemClock, 1_000, failing), /no/)
  assert.equal(findLockOwner(path), null)
})
