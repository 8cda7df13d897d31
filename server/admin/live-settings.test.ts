// Tests of the live settings, with two replicas over one database.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { deriveKey } from '../lib/keyed-digest.ts'
import { createAuditLog } from './audit-log.ts'
import { createLiveSettings } from './live-settings.ts'
import { openScope, openTestFolder, openTestStore, quietLogger, testConfig } from './test-support.ts'

async function open(test: TestContext) {
  const scope = openScope(test)
  const { database, notices } = await openTestStore(scope)
  const config = testConfig(await openTestFolder(scope), { ARCHIVE_DAYS: '30' })
  const clock = createManualClock()
  const audit = createAuditLog({ database, key: deriveKey(config.pepper, 'audit'), clock })
  const record = audit.recorderFor('password', '10.0.0.1')
  const start = async (channel = notices) => {
    const dependencies = { config, database, notices: channel, clock, logger: quietLogger() }
    const settings = await createLiveSettings(dependencies)
    scope.after(() => settings.close())
    return settings
  }
  return { database, notices, audit, record, start }
}

async function becomes<Value>(read: () => Value, wanted: Value): Promise<void> {
  while (read() !== wanted) await new Promise((resolve) => setImmediate(resolve))
}

test('a changed setting wins over the environment, the others keep their values, and the sources say so', async (t) => {
  const { record, start } = await open(t)
  const settings = await start()
  assert.equal(settings.current().archive_days, 30)
  const whole = await settings.update({ archive_days: 7 }, record)
  assert.deepEqual(whole, {
    alert_webhook_url: null,
    alert_threshold_count: 5,
    alert_threshold_seconds: 300,
    archive_days: 7,
    failsafe_mode: 'closed',
  })
  assert.deepEqual(settings.current(), whole)
  assert.deepEqual(settings.sources(), {
    alert_webhook_url: 'default',
    alert_threshold_count: 'default',
    alert_threshold_seconds: 'default',
    archive_days: 'admin',
    failsafe_mode: 'default',
  })
  assert.equal((await start()).current().archive_days, 7, 'also after a restart')
})

test('a change is live on another replica without being asked for', async (t) => {
  const { record, start } = await open(t)
  const [one, other] = [await start(), await start()]
  await one.update({ failsafe_mode: 'open', alert_webhook_url: 'https://hooks.example.com/a' }, record)
  await becomes(() => other.current().failsafe_mode, 'open')
  assert.deepEqual(other.current(), one.current())
})

test('a change whose notice was lost is found after the gap', async (t) => {
  const { notices, record, start } = await open(t)
  const gapHandlers: (() => void)[] = []
  const deaf = await start({
    ...notices,
    subscribe: () => () => undefined,
    onGap: (handle) => {
      gapHandlers.push(handle)
      return () => undefined
    },
  })
  await (await start()).update({ archive_days: 9 }, record)
  assert.equal(deaf.current().archive_days, 30)
  for (const handle of gapHandlers) handle()
  await becomes(() => deaf.current().archive_days, 9)
})

test('parallel changes of different settings are all kept, each recorded against what it replaced', async (t) => {
  const { audit, record, start } = await open(t)
  const replicas = [await start(), await start()]
  const days = [3, 4, 5, 6, 7, 8]
  await Promise.all(days.map((archive_days, index) => replicas[index % 2]?.update({ archive_days }, record)))
  await replicas[0]?.update({ alert_threshold_count: 77 }, record)
  assert.equal(replicas[0]?.current().alert_threshold_count, 77)
  const { items } = await audit.list({ page: 1, page_size: 20 })
  const changes = items.filter(({ action }) => action === 'settings.changed').reverse()
  let expected = 30
  for (const { before, after } of changes.slice(0, days.length)) {
    assert.deepEqual(before, { archive_days: expected })
    expected = (after as { archive_days: number }).archive_days
  }
  assert.deepEqual(changes.at(-1)?.before, { alert_threshold_count: 5 })
})

test('an empty change changes and records nothing', async (t) => {
  const { audit, record, start } = await open(t)
  const settings = await start()
  await settings.update({}, record)
  assert.equal((await audit.list({ page: 1, page_size: 20 })).total, 0)
})

test('stored values that the API would refuse are ignored', async (t) => {
  const { database, start } = await open(t)
  await database.query(
    `insert into settings (key, value) values
       ('archive_days', '0'), ('alert_threshold_count', '8'), ('failsafe_mode', 'open'), ('unknown', '1')`,
  )
  const { archive_days, alert_threshold_count, failsafe_mode } = (await start()).current()
  assert.deepEqual([archive_days, alert_threshold_count, failsafe_mode], [30, 8, 'closed'])
})
