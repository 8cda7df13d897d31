// Tests of the admin's account, on a real database.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAuditLog } from '../admin/admin.ts'
import { openScope, openTestStore } from '../admin/test-support.ts'
import { systemClock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { Secret } from '../lib/secret.ts'
import { ensureAdminAccount, readAdminAccount, resetAdminPassword } from './admin-account.ts'
import { isPasswordCorrect } from './password-hash.ts'

async function open(test: TestContext) {
  const { database, notices } = await openTestStore(openScope(test))
  const key = deriveKey(new Secret('pepper'.repeat(6)), 'audit')
  const audit = createAuditLog({ database, key, clock: systemClock })
  const dependencies = { database, publish: notices.publish, record: audit.recorderFor('start', null) }
  const account = async () => {
    const found = await readAdminAccount(database)
    assert.ok(found)
    return found
  }
  const actions = async () => (await audit.list({ page: 1, page_size: 20 })).items.map(({ action }) => action)
  return { database, notices, audit, dependencies, account, actions }
}

test('the first start without a configured password makes one, keeps its digest only, and tells it once', async (t) => {
  const { dependencies, database, account } = await open(t)
  const password = await ensureAdminAccount(dependencies, null)
  assert.match(password?.reveal() ?? '', /^([2-9a-hjkmnp-z]{4}-){4}[2-9a-hjkmnp-z]{4}$/)
  assert.equal(await isPasswordCorrect(password?.reveal() ?? '', (await account()).passwordHash), true)
  assert.equal(await ensureAdminAccount(dependencies, null), null)
  const { rows } = await database.query('select a.*, l.* from admin_account a, audit_log l')
  assert.ok(!JSON.stringify(rows).includes(password?.reveal() ?? ''))
})

test('eight first starts at once agree on one password', async (t) => {
  const { dependencies, account, actions } = await open(t)
  const passwords = await Promise.all(Array.from({ length: 8 }, () => ensureAdminAccount(dependencies, null)))
  const [only, ...others] = passwords.filter((password) => password !== null)
  assert.equal(others.length, 0)
  assert.equal(await isPasswordCorrect(only?.reveal() ?? '', (await account()).passwordHash), true)
  assert.deepEqual(await actions(), ['admin.account_created'])
})

test('the configured password is the truth: the same changes nothing, another replaces it and voids sessions', async (t) => {
  const { dependencies, account, actions } = await open(t)
  assert.equal(await ensureAdminAccount(dependencies, new Secret('first password')), null)
  const first = await account()
  await ensureAdminAccount(dependencies, new Secret('first password'))
  assert.deepEqual(await account(), first)
  await ensureAdminAccount(dependencies, new Secret('second password'))
  const second = await account()
  assert.equal(second.epoch, first.epoch + 1)
  assert.equal(await isPasswordCorrect('second password', second.passwordHash), true)
  assert.equal(await isPasswordCorrect('first password', second.passwordHash), false)
  assert.deepEqual(await actions(), ['admin.password_changed', 'admin.account_created'])
})

test('replicas that start at once with a new password change it once', async (t) => {
  const { dependencies, account } = await open(t)
  await ensureAdminAccount(dependencies, new Secret('first password'))
  await Promise.all(
    Array.from({ length: 6 }, () => ensureAdminAccount(dependencies, new Secret('second password'))),
  )
  assert.equal((await account()).epoch, 2)
})

test('a reset takes a given password or makes one, and is announced and recorded', async (t) => {
  const { dependencies, notices, account, actions } = await open(t)
  await ensureAdminAccount(dependencies, null)
  const announced = new Promise((resolve) => notices.subscribe('admin_account', resolve))
  const made = await resetAdminPassword(dependencies)
  assert.equal(await announced, 2)
  assert.equal(await isPasswordCorrect(made.reveal(), (await account()).passwordHash), true)
  await resetAdminPassword(dependencies, new Secret('twelve chars'))
  assert.equal(await isPasswordCorrect('twelve chars', (await account()).passwordHash), true)
  assert.deepEqual((await actions()).slice(0, 2), ['admin.password_changed', 'admin.password_changed'])
})

test('a reset refuses a short password, and an installation that was never started', async (t) => {
  const { dependencies } = await open(t)
  await assert.rejects(resetAdminPassword(dependencies), { code: 'not_found' })
  await ensureAdminAccount(dependencies, null)
  await assert.rejects(resetAdminPassword(dependencies, new Secret('eleven char')), {
    code: 'malformed_request',
    message: /at least 12 characters/,
  })
})
