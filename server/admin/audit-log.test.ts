// Tests of the audit chain: what happens to it behind our back shows.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { Secret } from '../lib/secret.ts'
import type { Queryable } from '../store/store.ts'
import { createAuditLog } from './audit-log.ts'
import { pruneAudit } from './retention.ts'
import { openScope, openTestStore, quietLogger } from './test-support.ts'

const dayMs = 86_400_000

/** A log of `rows` rows, one a day. */
async function open(test: TestContext, rows = 0) {
  const { database } = await openTestStore(openScope(test))
  const clock = createManualClock()
  const key = deriveKey(new Secret('pepper'.repeat(6)), 'audit')
  const audit = createAuditLog({ database, key, clock })
  const record = (action: string, after: unknown = null) =>
    database.transaction((tx) =>
      audit.record(tx, { actor: 'password', address: '10.0.0.1', action, target: 'x', before: null, after }),
    )
  for (let index = 0; index < rows; index++) {
    await record(index === 0 ? 'admin.account_created' : 'settings.changed', { index })
    clock.advance(dayMs)
  }
  return { database, clock, audit, record }
}

test('an untouched log holds, and shows who changed what, newest first', async (t) => {
  const { audit } = await open(t, 3)
  assert.deepEqual(await audit.verify(), { ok: true, rows: 3, first_bad_id: null })
  const { items, total } = await audit.list({ page: 1, page_size: 2 })
  assert.equal(total, 3)
  assert.deepEqual(
    items.map(({ id }) => id),
    [3, 2],
  )
  const { created_at, ...words } = items[0] ?? { created_at: '' }
  assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/)
  assert.deepEqual(words, {
    id: 3,
    actor: 'password',
    address: '10.0.0.1',
    action: 'settings.changed',
    target: 'x',
    before: null,
    after: { index: 2 },
  })
})

test('lists are cut into pages, with and without a filter, and pages past the end are empty', async (t) => {
  const { audit } = await open(t, 5)
  const ids = async (query: { page: number; page_size: number; action?: string }) => {
    const { items, total } = await audit.list(query)
    return [total, ...items.map(({ id }) => id)]
  }
  assert.deepEqual(await ids({ page: 3, page_size: 2 }), [5, 1])
  assert.deepEqual(await ids({ page: 4, page_size: 2 }), [5])
  assert.deepEqual(await ids({ page: 2, page_size: 3, action: 'settings.changed' }), [4, 2])
  assert.deepEqual(await ids({ page: 1, page_size: 3, action: 'nothing' }), [0])
})

const tampering: [name: string, sql: string, firstBadId: number][] = [
  ['an altered value', `update audit_log set after = '{}' where id = 3`, 3],
  ['an altered time', `update audit_log set created_at = created_at + interval '1 ms' where id = 3`, 3],
  ['an altered actor', `update audit_log set actor = 'console' where id = 3`, 3],
  ['a removed address', 'update audit_log set address = null where id = 3', 3],
  ['a row removed from the middle', 'delete from audit_log where id = 3', 3],
  ['the first row removed', 'delete from audit_log where id = 1', 1],
  ['the last row removed', 'delete from audit_log where id = 5', 5],
  [
    'the last row removed and the head set back',
    `delete from audit_log where id = 5;
     update audit_head set last_id = 4, last_mac = (select mac from audit_log where id = 4)`,
    5,
  ],
  [
    'two rows exchanged',
    `update audit_log set id = 9 where id = 2; update audit_log set id = 2 where id = 3;
     update audit_log set id = 3 where id = 9`,
    2,
  ],
  [
    'a row put in at the end',
    'insert into audit_log select 6, created_at, actor, address, action, target, before, after, mac from audit_log where id = 5',
    6,
  ],
  [
    'a row put in before the beginning',
    'insert into audit_log select 0, created_at, actor, address, action, target, before, after, mac from audit_log where id = 1',
    0,
  ],
  [
    'rows removed as if retention had pruned them',
    `delete from audit_log where id <= 2;
     update audit_head set pruned_id = 2, pruned_mac = (select mac from audit_log where id = 3)`,
    3,
  ],
  ['the head removed', 'delete from audit_head', 1],
  ['every row removed', 'delete from audit_log', 1],
]
for (const [name, sql, firstBadId] of tampering) {
  test(`${name} shows`, async (t) => {
    const { database, audit } = await open(t, 5)
    for (const statement of sql.split(';')) await database.query(statement)
    const verdict = await audit.verify()
    assert.equal(verdict.ok, false)
    assert.equal(verdict.first_bad_id, firstBadId)
  })
}

test('a log that was emptied with its head shows, also after new rows were written', async (t) => {
  const { database, audit, record } = await open(t, 5)
  await database.query('truncate audit_log, audit_head')
  assert.deepEqual(await audit.verify(), { ok: false, rows: 0, first_bad_id: null })
  await record('settings.changed')
  assert.deepEqual(await audit.verify(), { ok: false, rows: 2, first_bad_id: 1 })
})

test('rows that join at the same time join one after another', async (t) => {
  const { audit, record } = await open(t)
  const first = await Promise.allSettled(Array.from({ length: 6 }, () => record('admin.account_created')))
  assert.ok(first.every(({ status }) => status === 'fulfilled'))
  await Promise.all(Array.from({ length: 20 }, (_, index) => record('settings.changed', { index })))
  assert.deepEqual(await audit.verify(), { ok: true, rows: 26, first_bad_id: null })
})

test('a change that is rolled back leaves no gap', async (t) => {
  const { database, audit, record } = await open(t, 2)
  const failing = database.transaction(async (tx) => {
    const entry = { actor: 'password', address: null, action: 'x', target: null, before: null, after: null }
    await audit.record(tx, entry)
    throw new Error('rolled back')
  })
  await assert.rejects(failing, /rolled back/)
  await record('settings.changed')
  assert.deepEqual(await audit.verify(), { ok: true, rows: 3, first_bad_id: null })
})

test('the log is checked in batches while others write', async (t) => {
  const { database, audit, record } = await open(t, 1)
  const recordMany = async (tx: Queryable) => {
    const entry = { actor: 'a', address: null, action: 'x', target: null, before: null, after: null }
    for (let index = 0; index < 1100; index++) await audit.record(tx, entry)
  }
  await database.transaction(recordMany, { deadlineMs: 60_000 })
  const [verdict] = await Promise.all([
    audit.verify(),
    ...Array.from({ length: 20 }, () => record('settings.changed')),
  ])
  assert.equal(verdict.ok, true)
})

test('retention removes what is older, writes that down, and the rest still holds', async (t) => {
  const { database, clock, audit } = await open(t, 10)
  const dependencies = { database, audit, clock, auditDays: 4, logger: quietLogger() }
  await pruneAudit(dependencies)
  assert.deepEqual(await audit.verify(), { ok: true, rows: 5, first_bad_id: null })
  const { items, total } = await audit.list({ page: 1, page_size: 20 })
  assert.equal(total, 5)
  const pruned = { action: items[0]?.action, after: items[0]?.after }
  const olderThan = new Date(clock.now() - 4 * dayMs).toISOString()
  assert.deepEqual(pruned, { action: 'audit.pruned', after: { rows: 6, older_than: olderThan } })
  await pruneAudit(dependencies)
  assert.equal((await audit.list({ page: 1, page_size: 20 })).total, 5, 'nothing to prune writes nothing')
})

test('retention does not wash away a row that was tampered with', async (t) => {
  const { database, clock, audit } = await open(t, 10)
  await database.query(`update audit_log set after = '{}' where id = 3`)
  await pruneAudit({ database, audit, clock, auditDays: 4, logger: quietLogger() })
  assert.equal((await audit.verify()).first_bad_id, 3)
})
