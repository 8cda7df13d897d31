// Tests of the identity door, with two processes' worth of it over one database.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createAuditLog } from '../admin/admin.ts'
import {
  adminPassword,
  openScope,
  openTestFolder,
  openTestStore,
  quietLogger,
  testConfig,
} from '../admin/test-support.ts'
import { createManualClock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import type { Database, Notices } from '../store/store.ts'
import { createIdentity, localTokenFile, resetAdminPassword } from './identity.ts'

const here = { text: '127.0.0.1', family: 4 } as const

async function open(test: TestContext, env: Record<string, string> = {}) {
  const scope = openScope(test)
  const engines = await openTestStore(scope)
  const clock = createManualClock(Date.now())
  const counters = createMemoryCounters(clock)
  const start = async (notices: Notices = engines.notices, database: Database = engines.database) => {
    const config = testConfig(await openTestFolder(scope), env)
    const audit = createAuditLog({ database, key: deriveKey(config.pepper, 'audit'), clock })
    const record = audit.recorderFor('start', null)
    const engines = { database, notices, counters, clock, logger: quietLogger() }
    const hooks = { bindCredential: async () => undefined, removeClient: async () => undefined }
    const identity = await createIdentity({ ...engines, config, record, hooks })
    scope.after(() => identity.close())
    const reset = () => resetAdminPassword({ database: engines.database, publish: notices.publish, record })
    return { identity, reset, tokenPath: join(config.dataDir, localTokenFile) }
  }
  return { ...engines, start }
}

async function signIn(identity: Awaited<ReturnType<typeof createIdentity>>) {
  const outcome = await identity.login(adminPassword, here)
  assert.equal(outcome.outcome, 'signed_in')
  return { carrier: 'bearer', token: outcome.session.token, fromThisMachine: true } as const
}

/** Resolves once `read` gives `wanted`; the runner's own limit ends a wait in vain. */
async function becomes<Value>(read: () => Value | Promise<Value>, wanted: Value): Promise<void> {
  while ((await read()) !== wanted) await new Promise((resolve) => setImmediate(resolve))
}

test('a session of one process is good at the other, and the carrier names the actor', async (t) => {
  const { start } = await open(t)
  const [one, other] = [await start(), await start()]
  const session = await signIn(one.identity)
  assert.equal((await other.identity.authenticateAdmin(session))?.actor, 'password')
  const cookie = { carrier: 'cookie', token: session.token } as const
  assert.equal((await other.identity.authenticateAdmin(cookie))?.actor, 'console')
})

test('a wrong password is refused, and the sixth attempt is told when to come back', async (t) => {
  const { identity } = await (await open(t)).start()
  for (let index = 0; index < 5; index++) {
    assert.deepEqual(await identity.login('wrong', here), { outcome: 'refused', code: 'wrong_password' })
  }
  const locked = await identity.login(adminPassword, here)
  assert.deepEqual(locked, {
    outcome: 'refused',
    code: 'too_many_login_attempts',
    retryAfterSeconds: 900,
  })
  assert.equal((await identity.login(adminPassword, { text: '10.0.0.1', family: 4 })).outcome, 'signed_in')
})

test('a reset of the password voids sessions and local tokens of every process and takes the files away', async (t) => {
  const { start } = await open(t)
  const [one, other] = [await start(), await start()]
  const session = await signIn(one.identity)
  const local = { ...session, token: readFileSync(other.tokenPath, 'utf8').trim() }
  assert.equal((await other.identity.authenticateAdmin(local))?.actor, 'local token')
  await one.reset()
  await becomes(() => other.identity.authenticateAdmin(session), null)
  assert.equal(await other.identity.authenticateAdmin(local), null)
  await becomes(() => existsSync(one.tokenPath) || existsSync(other.tokenPath), false)
})

test('the local token is one of this start, for its owner only, from this machine only, gone after the end', async (t) => {
  const { start } = await open(t)
  const { identity, tokenPath } = await start()
  const token = readFileSync(tokenPath, 'utf8').trim()
  assert.match(token, /^spadm_[A-Za-z0-9_-]{43}$/)
  assert.equal(statSync(tokenPath).mode & 0o777, 0o600)
  const present = (fromThisMachine: boolean, text = token) =>
    identity.authenticateAdmin({ carrier: 'bearer', token: text, fromThisMachine })
  assert.equal((await present(true))?.actor, 'local token')
  assert.equal(await present(false), null)
  assert.equal(await present(true, `${token}x`), null)
  assert.equal(await identity.authenticateAdmin({ carrier: 'cookie', token }), null)
  const other = await start()
  const foreign = readFileSync(other.tokenPath, 'utf8').trim()
  assert.equal(await present(true, foreign), null)
  await identity.close()
  assert.equal(existsSync(tokenPath), false)
})

test('a token file that another gateway has put there since is left alone', async (t) => {
  const { identity, tokenPath } = await (await open(t)).start()
  writeFileSync(tokenPath, 'spadm_of-another-process\n')
  await identity.close()
  assert.equal(existsSync(tokenPath), true)
})

test('while notices cannot prove the epoch current it is read from the database, and after a gap again', async (t) => {
  const { database, notices, start } = await open(t)
  let fresh = true
  const gapHandlers: (() => void)[] = []
  const silent: Notices = {
    ...notices,
    subscribe: () => () => undefined,
    onGap: (handle) => {
      gapHandlers.push(handle)
      return () => undefined
    },
    isFresh: () => fresh,
  }
  let reads = 0
  const counting: Database = {
    ...database,
    query<R>(sql: string, values?: readonly unknown[]) {
      reads++
      return database.query<R>(sql, values)
    },
  }
  const { identity, reset } = await start(silent, counting)
  const session = await signIn(identity)
  const before = reads
  assert.notEqual(await identity.authenticateAdmin(session), null)
  assert.equal(reads, before, 'a proven epoch costs no query')
  await reset()
  assert.notEqual(await identity.authenticateAdmin(session), null, 'the notice of the change was lost')
  fresh = false
  assert.equal(await identity.authenticateAdmin(session), null)
  const second = reads
  fresh = true
  for (const handle of gapHandlers) handle()
  assert.equal(await identity.authenticateAdmin(session), null)
  assert.equal(reads, second + 1)
})

test('when nobody can tell whether a session still holds, that is said and not guessed', async (t) => {
  const { database, notices, start } = await open(t)
  let away = false
  const flaky: Database = {
    ...database,
    async query<R>(sql: string, values?: readonly unknown[]) {
      if (away) throw new Error('away')
      return database.query<R>(sql, values)
    },
  }
  const { identity } = await start({ ...notices, isFresh: () => !away }, flaky)
  const session = await signIn(identity)
  away = true
  await assert.rejects(identity.authenticateAdmin(session), /away/)
})
