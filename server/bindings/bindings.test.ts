// The bindings room on real engines: decisions, changes, intercepts, alerts, archive.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Settings } from '@sallyport/contract'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { parseIpAddress } from '../lib/ip-address.ts'
import { createTestStore, roomVariants, silentLogger, type TestStore } from '../store/test-support.ts'
import {
  type BindingCall,
  type Bindings,
  createBindings,
  type Decision,
  type RecordChange,
} from './bindings.ts'

/** For what does not depend on it; a database of the machine is ready sooner. */
const anyVariant = { kind: (await needs('postgres')).skip ? 'embedded' : 'dsn', redis: false } as const

const home = '203.0.113.7'
const elsewhere = '198.51.100.9'
const standardSettings: Settings = {
  alert_webhook_url: 'http://127.0.0.1:9/',
  alert_threshold_count: 3,
  alert_threshold_seconds: 300,
  archive_days: 90,
  failsafe_mode: 'closed',
}

type Room = {
  store: TestStore
  /** The daily work, run now. */
  keepHouse(): Promise<void>
  bindings: Bindings
  alerts: Record<string, unknown>[]
  recorded: string[]
  record: RecordChange
}

async function openRoom(
  variant: { kind: 'embedded' | 'dsn'; redis: boolean },
  overrides: { bindingMode?: 'enforce' | 'observe'; bindNewPerMinute?: number } = {},
): Promise<Room & { close(): Promise<void> }> {
  const store = await createTestStore(variant)
  const alerts: Record<string, unknown>[] = []
  const recorded: string[] = []
  let keepHouse: () => Promise<void> = async () => assert.fail('no daily work was scheduled')
  const jobs: TestStore['jobs'] = {
    ...store.jobs,
    async schedule(_name, _cron, work) {
      keepHouse = work
    },
  }
  const bindings = await createBindings({
    config: {
      bindingMode: overrides.bindingMode ?? 'enforce',
      bindIpv6Prefix: 64,
      bindNewPerMinute: overrides.bindNewPerMinute ?? 0,
      cache: { bindings_max: 1000 },
      retention: {
        ...{ intercepts_days: 1, audit_days: 1, usage_days: 1 },
        daily_counts_days: 1,
        archived_bindings_days: 1,
        alerts_days: 180,
        cameras_days: 1,
        vapi_calls_days: 1,
      },
    },
    store: { ...store, jobs },
    clock: systemClock,
    logger: silentLogger,
    settings: () => standardSettings,
    enqueueAlert: async (_tx, body) => void alerts.push({ ...body }),
  })
  await store.startWork()
  return {
    store,
    keepHouse: () => keepHouse(),
    bindings,
    alerts,
    recorded,
    record: async (_tx, change) => void recorded.push(change.action),
    async close() {
      await bindings.close()
      await store.close()
    },
  }
}

function callFrom(text: string, digest: string): BindingCall {
  const address = parseIpAddress(text)
  assert.ok(address, text)
  return {
    digest,
    tokenDisplay: `sk-${digest.slice(0, 4)}...`,
    address,
    method: 'POST',
    path: '/v1/x',
    requestId: randomBytes(4).toString('hex'),
  }
}

const newDigest = () => randomBytes(32).toString('base64url')
const told = (decision: Decision) => (decision.outcome === 'refused' ? decision.code : decision.outcome)

for (const variant of roomVariants) {
  const name = `${variant.kind}${variant.redis ? ' with Redis' : ''}`
  const { skip } = variant.redis ? await needs('postgres', 'redis') : { skip: false }

  describe(`bindings on ${name}`, { skip }, () => {
    let room: Awaited<ReturnType<typeof openRoom>>
    before(async () => {
      room = await openRoom(variant)
    })
    after(() => room.close())

    const idOf = async (digest: string) => {
      const { items } = await room.bindings.list({
        page: 1,
        page_size: 200,
        q: callFrom(home, digest).tokenDisplay,
      })
      return items[0]?.id ?? 0
    }
    const decide = async (address: string, digest: string) =>
      told(await room.bindings.decide(callFrom(address, digest)))

    test('a first use binds, the same address goes on, another one is refused and written down', async () => {
      const digest = newDigest()
      assert.equal(await decide(home, digest), 'allowed')
      assert.equal(await decide(home, digest), 'allowed')
      assert.equal(await decide(elsewhere, digest), 'ip_not_allowed')
      await room.store.journal.flushed()
      const { items, total } = await room.bindings.listIntercepts({ page: 1, page_size: 20, ip: elsewhere })
      assert.equal(total, 1)
      assert.deepEqual(
        [items[0]?.client_ip, items[0]?.allowed_ips, items[0]?.reason, items[0]?.count],
        [elsewhere, [home], 'ip_not_allowed', 1],
      )
    })

    test('200 parallel first uses from two addresses make one binding, and every loser is refused', async () => {
      const digest = newDigest()
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const address = index % 2 === 0 ? home : elsewhere
          return { address, outcome: await decide(address, digest) }
        }),
      )
      const winners = new Set(
        outcomes.filter(({ outcome }) => outcome === 'allowed').map(({ address }) => address),
      )
      assert.equal(winners.size, 1)
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'allowed').length, 100)
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'ip_not_allowed').length, 100)
    })

    test('ban, unban, another rule and unbinding hold on the next call, and each is recorded', async () => {
      const digest = newDigest()
      await decide(home, digest)
      const id = await idOf(digest)
      room.recorded.length = 0
      assert.equal((await room.bindings.ban(id, room.record))?.status, 'banned')
      assert.equal(await decide(home, digest), 'binding_banned')
      assert.equal((await room.bindings.unban(id, room.record))?.status, 'active')
      assert.equal(await decide(home, digest), 'allowed')
      const rule = { mode: 'multiple', allowedIps: ['198.51.100.0/24', '2001:db8::1/64'] } as const
      assert.deepEqual((await room.bindings.setRule(id, rule, room.record))?.allowed_ips, [
        '198.51.100.0/24',
        '2001:db8::/64',
      ])
      assert.equal(await decide(home, digest), 'ip_not_allowed')
      assert.equal(await decide(elsewhere, digest), 'allowed')
      assert.equal((await room.bindings.unbind(id, room.record))?.id, id)
      assert.equal(await decide(home, digest), 'allowed')
      assert.equal(await decide(elsewhere, digest), 'ip_not_allowed')
      assert.deepEqual(room.recorded, ['binding.ban', 'binding.unban', 'binding.set_rule', 'binding.unbind'])
      assert.equal(await room.bindings.unbind(id, room.record), null)
    })

    test('a change whose record fails is not made', async () => {
      const digest = newDigest()
      await decide(home, digest)
      const failing: RecordChange = () => Promise.reject(new Error('no room in the audit log'))
      await assert.rejects(room.bindings.ban(await idOf(digest), failing), /no room/)
      assert.equal(await decide(home, digest), 'allowed')
    })

    test('a token bound ahead of its first use follows that rule, and cannot be bound twice', async () => {
      const digest = newDigest()
      const input = {
        digest,
        tokenDisplay: callFrom(home, digest).tokenDisplay,
        rule: { mode: 'single', allowedIps: [elsewhere] } as const,
      }
      const item = await room.bindings.create(input, room.record)
      assert.deepEqual([item.first_used_at, item.allowed_ips], [null, [elsewhere]])
      assert.equal(await decide(home, digest), 'ip_not_allowed')
      assert.equal(await decide(elsewhere, digest), 'allowed')
      await assert.rejects(room.bindings.create(input, room.record), /bound already/)
    })

    test('a first use whose answer is 401 leaves no binding, unless another call used it meanwhile', async () => {
      const [worthless, shared] = [newDigest(), newDigest()]
      for (const digest of [worthless, shared]) {
        const first = await room.bindings.decide(callFrom(home, digest))
        assert.ok(first.outcome === 'allowed' && first.settle)
        if (digest === shared) assert.equal(await decide(home, digest), 'allowed')
        first.settle(401)
      }
      // Who has seen the 401 may call at once: there is nothing to wait for.
      assert.equal(await decide(elsewhere, worthless), 'allowed')
      assert.equal(await decide(elsewhere, shared), 'ip_not_allowed')
    })

    test('an IPv6 first use binds its /64', async () => {
      const digest = newDigest()
      assert.equal(await decide('2001:db8:7::1', digest), 'allowed')
      assert.equal(await decide('2001:db8:7::ffff', digest), 'allowed')
      assert.equal(await decide('2001:db8:8::1', digest), 'ip_not_allowed')
    })

    test('one alert a window, at the threshold, with what the operator needs to know', async () => {
      const digest = newDigest()
      await decide(home, digest)
      room.alerts.length = 0
      for (let turn = 0; turn < 7; turn++) await decide(elsewhere, digest)
      await room.store.journal.flushed()
      assert.equal(room.alerts.length, 1)
      const { timestamp, ...body } = room.alerts[0] ?? {}
      assert.deepEqual(body, {
        event: 'intercept_threshold',
        token_display: callFrom(home, digest).tokenDisplay,
        client_ip: elsewhere,
        allowed_ips: [home],
        count: 3,
        window_seconds: 300,
      })
      assert.ok(typeof timestamp === 'string' && !Number.isNaN(Date.parse(timestamp)))
      const { items } = await room.bindings.listIntercepts({
        page: 1,
        page_size: 20,
        q: callFrom(home, digest).tokenDisplay,
      })
      assert.equal(items.filter((item) => item.alerted).length, 1)
    })

    test('a flood of one token and address makes 60 rows and one that counts the rest', async () => {
      const digest = newDigest()
      await decide(home, digest)
      for (let turn = 0; turn < 100; turn++) assert.equal(await decide(elsewhere, digest), 'ip_not_allowed')
      for (;;) {
        await room.store.journal.flushed()
        const { items, total } = await room.bindings.listIntercepts({
          page: 1,
          page_size: 200,
          q: callFrom(home, digest).tokenDisplay,
        })
        const refusals = items.reduce((sum, item) => sum + item.count, 0)
        if (refusals < 100) continue
        assert.deepEqual([total, refusals], [61, 100])
        break
      }
    })

    test('lists filter by beginning of the mask, covering address, status and mode; patterns are plain text', async () => {
      const digest = newDigest()
      const tokenDisplay = `p%_${digest.slice(0, 5)}...`
      const rule = { mode: 'multiple', allowedIps: ['192.0.2.0/25', '192.0.2.200'] } as const
      const { id } = await room.bindings.create({ digest, tokenDisplay, rule }, room.record)
      const ids = async (query: object) =>
        (await room.bindings.list({ page: 1, page_size: 200, ...query })).items.map((item) => item.id)
      assert.deepEqual(await ids({ q: 'p%_' }), [id])
      assert.deepEqual(await ids({ q: 'p_%' }), [])
      assert.ok((await ids({ ip: '192.0.2.100' })).includes(id))
      assert.ok((await ids({ ip: '::ffff:192.0.2.200' })).includes(id))
      assert.ok(!(await ids({ ip: '192.0.2.201' })).includes(id))
      assert.ok((await ids({ mode: 'multiple' })).includes(id))
      assert.ok(!(await ids({ status: 'banned' })).includes(id))
      await assert.rejects(ids({ ip: '192.0.2.300' }), /ip: "192\.0\.2\.300" is not an IP address/)
    })

    test('pages from either end of the list meet without gap or double', async () => {
      const whole = await room.bindings.list({ page: 1, page_size: 200 })
      const ids: number[] = []
      for (let page = 1; page <= Math.ceil(whole.total / 3); page++) {
        ids.push(...(await room.bindings.list({ page, page_size: 3 })).items.map((item) => item.id))
      }
      assert.deepEqual(
        ids,
        whole.items.map((item) => item.id),
      )
      assert.deepEqual((await room.bindings.list({ page: 1_000_000, page_size: 200 })).items, [])
    })

    test('the dashboard counts what was decided', async () => {
      const start = (await room.bindings.dashboard()).today
      const digest = newDigest()
      await decide(home, digest)
      await decide(home, digest)
      await decide(elsewhere, digest)
      const { today, trend, bindings, recent_intercepts } = await room.bindings.dashboard()
      assert.deepEqual(
        [
          today.requests - start.requests,
          today.allowed - start.allowed,
          today.intercepted - start.intercepted,
        ],
        [3, 2, 1],
      )
      assert.equal(trend.length, 7)
      assert.equal(bindings.total, bindings.active + bindings.banned)
      assert.ok(recent_intercepts.length > 0 && recent_intercepts.length <= 10)
    })
  })
}

test('over the limit of new bindings an address waits, others bind on, and known tokens go on', async (context) => {
  const room = await openRoom(anyVariant, { bindNewPerMinute: 2 })
  context.after(() => room.close())
  const known = newDigest()
  const decide = (address: string, digest: string) => room.bindings.decide(callFrom(address, digest))
  assert.equal(told(await decide(home, known)), 'allowed')
  assert.equal(told(await decide(home, newDigest())), 'allowed')
  const refused = await decide(home, newDigest())
  assert.ok(refused.outcome === 'refused' && refused.code === 'too_many_bindings')
  assert.ok((refused.retryAfterSeconds ?? 0) >= 1 && (refused.retryAfterSeconds ?? 0) <= 60)
  assert.equal(told(await decide(elsewhere, newDigest())), 'allowed')
  assert.equal(told(await decide(home, known)), 'allowed')
})

test('observing lets a wrong address through and writes it down; a ban holds', async (context) => {
  const room = await openRoom(anyVariant, { bindingMode: 'observe' })
  context.after(() => room.close())
  const digest = newDigest()
  await room.bindings.decide(callFrom(home, digest))
  const observed = await room.bindings.decide(callFrom(elsewhere, digest))
  assert.deepEqual(observed, { outcome: 'allowed', settle: null, observed: true })
  await room.store.journal.flushed()
  assert.equal((await room.bindings.listIntercepts({ page: 1, page_size: 20 })).total, 1)
  const [item] = (await room.bindings.list({ page: 1, page_size: 20 })).items
  await room.bindings.ban(item?.id ?? 0, room.record)
  assert.equal(told(await room.bindings.decide(callFrom(home, digest))), 'binding_banned')
})

test('an idle binding is archived and its token binds anew; a ban and a binding in use stay', async (context) => {
  const room = await openRoom(anyVariant)
  context.after(() => room.close())
  const [idle, banned, used] = [newDigest(), newDigest(), newDigest()]
  const decide = async (address: string, digest: string) =>
    told(await room.bindings.decide(callFrom(address, digest)))
  for (const digest of [idle, banned, used]) await decide(home, digest)
  const { database } = room.store
  await database.query("update bindings set last_used_at = now() - interval '91 days' where digest <> $1", [
    Buffer.from(used, 'base64url'),
  ])
  await database.query("update bindings set status = 'banned' where digest = $1", [
    Buffer.from(banned, 'base64url'),
  ])
  await room.keepHouse()
  const { rows } = await database.query<{ digest: Buffer }>('select digest from archived_bindings')
  assert.deepEqual(
    rows.map((row) => row.digest.toString('base64url')),
    [idle],
  )
  assert.equal((await room.bindings.list({ page: 1, page_size: 20 })).total, 2)
  assert.equal(await decide(elsewhere, idle), 'allowed')
  assert.equal(await decide(elsewhere, used), 'ip_not_allowed')
})

test('rows past their retention are removed, younger ones stay', async (context) => {
  const room = await openRoom(anyVariant)
  context.after(() => room.close())
  const digest = newDigest()
  await room.bindings.decide(callFrom(home, digest))
  for (let turn = 0; turn < 3; turn++) await room.bindings.decide(callFrom(elsewhere, digest))
  await room.store.journal.flushed()
  const { database } = room.store
  await database.query(
    "update intercepts set created_at = now() - interval '2 days' where id = (select id from intercepts limit 1)",
  )
  await room.keepHouse()
  assert.equal((await room.bindings.listIntercepts({ page: 1, page_size: 20 })).total, 2)
})

test('when a binding was last used is written at the end at the latest', async () => {
  const room = await openRoom(anyVariant)
  const digest = newDigest()
  await room.bindings.decide(callFrom(home, digest))
  const { database } = room.store
  await database.query("update bindings set last_used_at = now() - interval '1 day'")
  await room.bindings.close()
  const { rows } = await database.query<{ fresh: boolean }>(
    "select last_used_at > now() - interval '1 minute' as fresh from bindings",
  )
  assert.deepEqual(rows, [{ fresh: true }])
  await room.store.close()
})
